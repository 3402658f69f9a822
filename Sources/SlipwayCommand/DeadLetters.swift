import ArgumentParser
import Foundation
import Kafka

struct DeadLetters: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlt",
        abstract: "Dead letters: list them, look at one, send them in again.",
        subcommands: [List.self, Show.self, Replay.self],
        defaultSubcommand: List.self
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a topic's dead letters: what, whose, why.")
        @OptionGroup var choice: Choice
        @Option(help: "At most so many, the newest ones.")
        var limit = 1000
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (1...100_000).contains(limit) else {
                throw ValidationError("--limit is \(limit); it should be from 1 to 100000.")
            }
        }

        func run() throws {
            let (lines, count) = try newest()
            if count > lines.count {
                let note = "the newest \(lines.count) of \(count) are shown; --limit shows more, --from and --to others"
                FileHandle.standardError.write(Data((note + "\n").utf8))
            }
            if output.json { return try printJSON(lines) }
            let terminal = Terminal()
            terminal.table(
                ["OFFSET", "KEY", "TYPE", "ID", "CODE", "REASON"],
                lines.map { ["\($0.offset)", $0.key, $0.type, $0.id, $0.code, $0.reason] }
            )
            if lines.isEmpty { terminal.line("there is no such dead letter") }
        }

        /// The newest that are meant, and how many there are: a topic may hold millions, of which few are kept.
        private func newest() throws -> (lines: [DeadLetterMessage.Line], count: Int) {
            var lines: [DeadLetterMessage.Line] = []
            var count = 0
            try choice.read(connection) { letter in
                count += 1
                lines.append(letter.line)
                if lines.count == 2 * limit { lines.removeFirst(limit) }
                return true
            }
            return (Array(lines.suffix(limit)), count)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Show one dead letter with its headers; its value only when asked for, since it may hold anything."
        )
        @OptionGroup var choice: Choice
        @Option(help: "The offset of the dead letter.")
        var offset: Int64
        @Flag(help: "Print the value too.")
        var value = false
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            var found: DeadLetterMessage?
            try choice.read(connection, from: offset) { letter in
                if letter.message.offset == offset { found = letter }
                return found == nil
            }
            guard let letter = found else { throw ValidationError("There is no dead letter at offset \(offset).") }
            let terminal = Terminal()
            for header in letter.message.headers {
                let text = header.value.map(DeadLetterMessage.readable) ?? ""
                terminal.line(Terminal.plain("\(header.name): \(text)"))
            }
            terminal.line("value: \(letter.message.valueCount) bytes")
            guard value else { return }
            let text = String(decoding: letter.message.valueBytes ?? [], as: UTF8.self)
            // A file or another program gets it as it is.
            terminal.line(isatty(STDOUT_FILENO) == 1 ? Terminal.plain(text, isText: true) : text)
        }
    }
}
