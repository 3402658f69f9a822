import ArgumentParser
import Domain
import Foundation
import Postgres
import WorkerRuntime

struct Recover: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a database that was restored or failed over the fleet's truth again. Needs SLIPWAY_FLEET_KEY.",
        discussion: """
            Workers refuse such a database: what others saw since the back-up is numbered higher than what it knows.
            Epochs, revisions and generations jump by 2^32, agents are asked for their hello and get their open commands
            again, and the newest state of everything is published. Stop the workers first, start them afterwards. They
            consume again what came since the back-up; what the brokers do not hold any more is said first.
            """
    )

    @Flag(help: "Do not ask.")
    var yes = false
    @Flag(help: "Also when the database is the one that the fleet worked with.")
    var force = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let fleetKey = try FleetKey(connection.settings)
        let database = try connection.connect()
        defer { database.close() }
        guard try PostgresMigrator(fleetMigrations).pending(on: database).isEmpty else {
            throw StartError("The database lacks migrations: run 'slipway migrate' first.")
        }
        let isTheSame = try Installation.isTheOneWorkedWith(database)
        guard force || !isTheSame else {
            throw StartError(
                "The database is the one that the fleet worked with: there is nothing to recover (--force does so anyway)."
            )
        }
        for sentence in UnheldMessages(of: connection, database).sentences {
            FileHandle.standardError.write(Data((sentence + "\n").utf8))
        }
        guard yes || isConfirmed() else { throw StartError("Nothing was changed: answer 'yes', or give --yes.") }
        let report = try Recovery(fleetKey: fleetKey).run(on: database, isForced: force, by: AuditEntry.person)
        if output.json { return try printJSON(report) }
        Terminal().table(
            ["WHAT", "COUNT", "NOW"],
            [
                ["partitions", "\(report.claims)", "claimed anew: epochs are higher"],
                ["clusters", "\(report.clusters)", "agents are asked for their hello, under new epochs"],
                ["open commands", "\(report.openCommands)", "sent again at the hello"],
                ["environments", "\(report.environments)", "revisions are higher"],
                ["instances", "\(report.instances)", "revisions and generations are higher"],
                ["networks, domains, secrets and so on", "\(report.objects)", "revisions and generations are higher"],
                ["objects", "\(report.resources)", "revisions are higher"],
                ["projects, applications, rules", "\(report.others)", "revisions are higher"],
                ["states", "\(report.published)", "in the outbox, to be published again"],
            ]
        )
        print("the database is recovered: start the workers")
    }

    private func isConfirmed() -> Bool {
        FileHandle.standardError.write(
            Data("Are all workers stopped, and is this database the one to go on with? Type 'yes': ".utf8)
        )
        return readLine() == "yes"
    }
}
