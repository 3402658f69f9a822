import ArgumentParser
import Domain
import Postgres
import WorkerRuntime

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Derive states again from the ledger and report where what is stored differs.",
        discussion: """
            Reads one snapshot of the database and changes nothing; the fleet may go on working. Exit code 0 where \
            everything agrees, 1 where something differs.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let database = try connection.connect()
        let differences = try Verification.differences(on: database)
        database.close()
        if output.json {
            try printJSON(differences)
        } else {
            let terminal = Terminal()
            for rule in Verification.ruleNames {
                let broken = differences.filter { $0.rule == rule }
                terminal.line(
                    "\(terminal.paint(broken.isEmpty ? "holds" : "broken", broken.isEmpty ? .green : .red))  \(rule)"
                )
                for difference in broken { terminal.line("        \(difference.subject): \(difference.says)") }
            }
        }
        if !differences.isEmpty { throw ExitCode(1) }
    }
}
