import ArgumentParser
import Domain
import Foundation
import Postgres
import WorkerRuntime

struct Migrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database's schema up to date. One runner at a time; running it again changes nothing."
    )

    @OptionGroup var connection: ConnectionOptions
    @Option(
        help:
            "The outbox's shards, from 1 to 1024; fixed by the first run, \(Installation.defaultOutboxShards) by default."
    )
    var outboxShards: Int?

    func validate() throws {
        let known = Installation.outboxShardsRange
        guard let outboxShards else { return }
        guard known.contains(outboxShards) else {
            throw ValidationError(
                "'--outbox-shards \(outboxShards)' should be a number from \(known.lowerBound) to \(known.upperBound)."
            )
        }
    }

    func run() throws {
        let database = try connection.connect()
        let applied = try Self.migrate(database, outboxShards: outboxShards ?? Installation.defaultOutboxShards)
        for name in applied { print("applied \(name)") }
        for name in try PostgresMigrator(fleetMigrations).newer(on: database) {
            print("\(name) is of a newer version, which this one may work with")
        }
        let shards = try Installation.outboxShards(on: database)
        if let outboxShards, outboxShards != shards {
            throw StartError(
                "The database is up to date, but '--outbox-shards \(outboxShards)' changes nothing: the outbox has "
                    + "\(shards) shards since the first run."
            )
        }
        print("the database is up to date")
    }

    static func migrate(_ connection: PostgresConnection, outboxShards: Int) throws -> [String] {
        let applied = try PostgresMigrator(fleetMigrations).migrate(connection) { sentence in
            FileHandle.standardError.write(Data((sentence + "\n").utf8))
        }
        try Installation.prepare(on: connection, outboxShards: outboxShards)
        return applied
    }
}
