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
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let letters = try choice.read(connection)
            if output.json { return try printJSON(letters.map(\.line)) }
            let terminal = Terminal()
            terminal.table(
                ["OFFSET", "KEY", "TYPE", "ID", "CODE", "REASON"],
                letters.map { ["\($0.line.offset)", $0.key, $0.line.type, $0.line.id, $0.code, $0.line.reason] }
            )
            if letters.isEmpty { terminal.line("there is no such dead letter") }
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
            guard let letter = try choice.read(connection).first(where: { $0.line.offset == offset }) else {
                throw ValidationError("There is no dead letter at offset \(offset).")
            }
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
