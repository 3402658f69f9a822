import Foundation
import Postgres

/// What can befall the database.
extension BenchWorld {
    /// Restarts PostgreSQL as after a crash; returns when it takes connections again.
    func restartDatabase() throws {
        try server.restart(immediate: true)
    }

    /// Ends every session.
    func terminateBackends() throws {
        let connection = try PostgresConnection(PostgresConfiguration(url: url))
        defer { connection.close() }
        _ = try connection.query(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
            """
        )
    }

    /// Takes every connection that there is, and keeps the workers from having any for so long.
    func useUpConnections(seconds: Double) throws {
        var held: [PostgresConnection] = []
        defer { for connection in held { connection.close() } }
        func takeAll() {
            while let connection = try? PostgresConnection(PostgresConfiguration(url: url)) { held.append(connection) }
        }
        takeAll()
        let own = held.map(\.backendPID)
        _ = try held.last?.query(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> all($1::int[])
            """,
            [.array(.int32s(own))]
        )
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            takeAll()
            Thread.sleep(forTimeInterval: 0.01)
        }
    }
}
