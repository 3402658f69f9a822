import Domain
import Foundation
public import Postgres
import Synchronization
import WorkerRuntime

/// Databases for tests: one server a test process, a fresh migrated database a test.
public enum TestDatabase {
    private struct Shared {
        var server: PostgresServer?
        var count = 0
    }

    // The server is made once and used under the lock only.
    nonisolated(unsafe) private static var shared = Shared()
    private static let lock = NSLock()

    /// Makes a database with the fleet's schema and returns its URL.
    public static func make() throws -> String {
        lock.lock()
        defer { lock.unlock() }
        let server = try shared.server ?? start()
        shared.server = server
        shared.count += 1
        let name = "test_\(shared.count)"
        let connection = try PostgresConnection(PostgresConfiguration(url: server.url))
        defer { connection.close() }
        try connection.script("create database \(name) template fleet strategy file_copy")
        return server.url(database: name)
    }

    /// Connects to a database that ``make()`` made.
    public static func connect(_ url: String) throws -> PostgresConnection {
        try PostgresConnection(PostgresConfiguration(url: url))
    }

    /// Memory where there is plenty: hundreds of databases of many small files are made there fifteen times as fast.
    private static func place() -> String {
        let memory = "/dev/shm/"
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: memory)
        let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
        let isUsable = free > 8 << 30 && FileManager.default.isWritableFile(atPath: memory)
        return isUsable ? memory : NSTemporaryDirectory()
    }

    private static func start() throws -> PostgresServer {
        let folder = place() + "slipway-tests-\(ProcessInfo.processInfo.processIdentifier)"
        let server = try PostgresServer(
            folder: folder,
            durable: false,
            isTemporary: true,
            settings: ["max_connections": "200"]
        )
        let connection = try PostgresConnection(PostgresConfiguration(url: try server.createDatabase("fleet")))
        defer { connection.close() }
        _ = try PostgresMigrator(fleetMigrations).migrate(connection)
        try Installation.prepare(on: connection)
        // The copies are other databases, and the fleet's own all the same.
        try connection.script("update installation set database_oid = null, table_oid = null")
        return server
    }
}
