import ArgumentParser
import Domain
import Foundation
import Postgres
import WorkerRuntime

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Derive states again from the ledger and report where what is stored differs.",
        discussion: """
            Reads a snapshot of the database for each rule and changes nothing; the fleet may go on working. Exit code 0 \
            where everything agrees, 1 where something differs, 3 where that could not be judged.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let differences: [Difference]
        do {
            let database = try connection.connect()
            defer { database.close() }
            differences = try Verification.differences(on: database)
        } catch {
            FileHandle.standardError.write(Data("The fleet cannot be judged: \(error)\n".utf8))
            throw ExitCode(3)
        }
        if output.json {
            try printJSON(differences)
        } else {
            let terminal = Terminal()
            for rule in Verification.ruleNames {
                let broken = differences.filter { $0.rule == rule }
                terminal.line(
                    "\(terminal.paint(broken.isEmpty ? "holds" : "broken", broken.isEmpty ? .green : .red))  \(rule)"
                )
                for difference in broken {
                    terminal.line(Terminal.plain("        \(difference.subject): \(difference.says)"))
                }
            }
        }
        if !differences.isEmpty { throw ExitCode(1) }
    }
}
