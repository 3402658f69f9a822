import ArgumentParser
import Domain
import Postgres
import WorkerRuntime

struct Migrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database's schema up to date. One runner at a time; running it again changes nothing."
    )

    @OptionGroup var connection: ConnectionOptions
    @Option(help: "The outbox's shards; fixed by the first run.")
    var outboxShards = Installation.defaultOutboxShards

    func run() throws {
        let applied = try Self.migrate(try connection.connect(), outboxShards: outboxShards)
        for name in applied { print("applied \(name)") }
        print("the database is up to date")
    }

    static func migrate(_ connection: PostgresConnection, outboxShards: Int) throws -> [String] {
        let applied = try PostgresMigrator(fleetMigrations).migrate(connection)
        try Installation.prepare(on: connection, outboxShards: outboxShards)
        return applied
    }
}
