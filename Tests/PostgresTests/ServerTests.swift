import Foundation
import Postgres
import Testing

@Suite struct ServerTests {
    @Test(arguments: [false, true])
    func `a restarted server keeps its data, and clients reconnect`(_ immediate: Bool) throws {
        let server = try PostgresServer(folder: TestDatabase.newFolder(), durable: true, isTemporary: true)
        let connection = try PostgresConnection(PostgresConfiguration(url: try server.createDatabase("kept")))
        try connection.script("create table item (id int); insert into item values (1)")
        let identity = try connection.serverIdentity()
        let port = server.port
        try server.restart(immediate: immediate)
        #expect(server.port == port)
        let error = try postgresError { try connection.query("select from item") }
        #expect(error?.isTransient == true)
        try connection.reconnect()
        #expect(try connection.query("select from item").count == 1)
        #expect(try connection.serverIdentity() == identity)
    }

    @Test func `a folder can be used again, and a temporary one goes`() throws {
        let folder = TestDatabase.newFolder()
        var server: PostgresServer? = try PostgresServer(folder: folder, durable: false)
        try server?.createDatabase("kept")
        server?.stop()
        #expect(server?.isRunning == false)
        server = nil
        #expect(FileManager.default.fileExists(atPath: folder))
        server = try PostgresServer(folder: folder, durable: false, isTemporary: true)
        let url = try #require(server?.url(database: "kept"))
        #expect(try PostgresConnection(PostgresConfiguration(url: url)).isUsable)
        server = nil
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test func `who needs writes is connected to no standby, until it is promoted`() throws {
        let server = try PostgresServer(folder: TestDatabase.newFolder(), durable: false, isTemporary: true)
        try server.restartAsStandby()
        let reading = try PostgresConnection(PostgresConfiguration(url: server.url))
        #expect(try reading.serverIdentity().isStandby)
        var configuration = PostgresConfiguration(url: server.url)
        configuration.needsWrites = true
        let error = try postgresError { _ = try PostgresConnection(configuration) }
        #expect(error?.kind == .connection)
        try reading.query("select pg_promote()")
        #expect(try PostgresConnection(configuration).serverIdentity().isStandby == false)
    }

    @Test func `a folder in use or unreachable is one clear sentence`() throws {
        let server = try PostgresServer(folder: TestDatabase.newFolder(), durable: false, isTemporary: true)
        let error = try postgresError { _ = try PostgresServer(folder: server.folder, durable: false) }
        #expect(error?.message.contains("server did not start") == true)
        #expect(error?.message.contains("postmaster.pid") == true)
        #expect(server.isRunning)
    }
}
