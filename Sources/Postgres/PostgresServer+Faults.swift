import Foundation

// What can befall a server's clients, for tests and benchmarks.
extension PostgresServer {
    /// Ends every session of a database.
    ///
    /// - Returns: How many there were.
    @discardableResult
    public func terminateSessions(of database: String) throws(PostgresError) -> Int {
        let connection = try PostgresConnection(PostgresConfiguration(url: url(database: database)))
        defer { connection.close() }
        return try Self.terminateSessions(on: connection, except: [connection.backendPID])
    }

    /// Takes every connection that there is, ends the sessions of a database, and takes what they leave, for so long.
    ///
    /// Blocks meanwhile.
    /// - Returns: How many connections it held in the end.
    @discardableResult
    public func useUpConnections(of database: String, for duration: Duration) throws(PostgresError) -> Int {
        let configuration = PostgresConfiguration(url: url(database: database))
        var held = [try PostgresConnection(configuration)]
        defer { for connection in held { connection.close() } }
        func takeAll() { while let connection = try? PostgresConnection(configuration) { held.append(connection) } }
        takeAll()
        _ = try Self.terminateSessions(on: held[0], except: held.map(\.backendPID))
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {
            takeAll()
            Thread.sleep(forTimeInterval: 0.01)
        }
        return held.count
    }

    /// Starts the server again as a standby that follows nobody: it takes no writes until it is promoted.
    public func restartAsStandby() throws(PostgresError) {
        let connection = try PostgresConnection(PostgresConfiguration(url: url))
        // The server itself writes the file, which must be its user's.
        try connection.script("copy (select 1) to '\(folder)/data/standby.signal'")
        connection.close()
        try restart()
    }

    private static func terminateSessions(
        on connection: PostgresConnection,
        except own: [Int32]
    ) throws(PostgresError) -> Int {
        try connection.query(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> all($1::int[])
            """,
            [.array(.int32s(own))]
        ).count
    }
}
