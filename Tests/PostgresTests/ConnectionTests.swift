import Foundation
import Postgres
import Testing

@Suite struct ConnectionTests {
    let url: String
    let configuration: PostgresConfiguration
    let connection: PostgresConnection

    init() throws {
        url = try TestDatabase.makeURL()
        configuration = PostgresConfiguration(url: url)
        connection = try PostgresConnection(configuration)
        try connection.script("create table item (id bigint primary key, name text)")
    }

    /// Ends the session of a connection from outside and waits until it is gone.
    private func terminate(_ connection: PostgresConnection) throws {
        let other = try PostgresConnection(configuration)
        let id = PostgresValue.int32(connection.backendPID)
        try other.query("select pg_terminate_backend($1)", [id])
        try eventually { try other.query("select from pg_stat_activity where pid = $1", [id]).isEmpty }
    }

    @Test func `a session that was ended is a transient error, and a reconnect works`() throws {
        try connection.query("select $1", [1])
        try terminate(connection)
        for _ in 0..<3 {
            let error = try postgresError { try connection.query("select $1", [1]) }
            #expect(error?.kind == .connection)
            #expect(error?.isTransient == true)
        }
        #expect(!connection.isUsable)
        try connection.reconnect()
        #expect(try connection.query("select $1", [1]).only().int64(0) == 1)
    }

    @Test func `a session found ended before COMMIT has committed nothing, for sure`() throws {
        let error = try postgresError {
            try connection.transaction { transaction in
                try transaction.query("insert into item values (1, null)")
                try terminate(connection)
            }
        }
        #expect(error?.kind == .connection)
        #expect(error?.isCommitUnknown == false)
        #expect(error?.sqlState == .adminShutdown)
        #expect(error?.isServersTrouble == true)
        try connection.reconnect()
        #expect(try connection.query("select from item").isEmpty)
    }

    @Test(arguments: [true, false])
    func `a COMMIT whose answer was lost is unknown`(_ reachesServer: Bool) throws {
        let target = try connection.query("select inet_server_port()").only().int(0)
        let forwarder = try CommitDroppingForwarder(to: target, forwardsCommit: reachesServer)
        let url = url.replacing(":\(target)/", with: ":\(forwarder.port)/")
        let connection = try PostgresConnection(PostgresConfiguration(url: url))
        let error = try postgresError {
            try connection.transaction { try $0.script("insert into item values (1, null)") }
        }
        #expect(error?.isCommitUnknown == true)
        #expect(error?.isTransient == true)
        #expect(!connection.isUsable)
        // What the caller must do: look.
        try eventually {
            try self.connection.query("select from pg_stat_activity where state like 'idle in%'").isEmpty
        }
        #expect(try self.connection.query("select from item").count == (reachesServer ? 1 : 0))
    }

    @Test func `a statement that runs too long is cancelled and may be at fault`() throws {
        var configuration = configuration
        configuration.statementTimeout = .milliseconds(50)
        let connection = try PostgresConnection(configuration)
        let error = try postgresError { try connection.query("select pg_sleep(60)") }
        #expect(error?.sqlState == .queryCanceled)
        #expect(error?.isTransient == false)
        #expect(connection.isUsable)
    }

    @Test func `a transaction that waits too long for its client loses its session and its locks`() throws {
        var configuration = configuration
        configuration.idleInTransactionTimeout = .milliseconds(50)
        let idle = try PostgresConnection(configuration)
        let error = try postgresError {
            try idle.transaction { transaction in
                try transaction.query("insert into item values (1, null)")
                // Waits for the lock that only the end of the idle session gives back.
                try connection.query("insert into item values (1, 'other')")
                try transaction.query("select 1")
            }
        }
        #expect(error?.kind == .connection)
        #expect(error?.isTransient == true)
        #expect(try connection.query("select name from item").only().string(0) == "other")
    }

    @Test func `a lock that is not granted in time is a transient error`() throws {
        var configuration = configuration
        configuration.lockTimeout = .milliseconds(50)
        let impatient = try PostgresConnection(configuration)
        try connection.transaction { transaction in
            try transaction.script("lock table item")
            let error = try postgresError { try impatient.query("select from item") }
            #expect(error?.sqlState == .lockNotAvailable)
            #expect(error?.isTransient == true)
        }
    }

    @Test func `a server that does not answer in time is a lost connection`() throws {
        var configuration = configuration
        configuration.answerTimeout = .milliseconds(100)
        let connection = try PostgresConnection(configuration)
        let error = try postgresError { try connection.query("select pg_sleep(60)") }
        #expect(error?.kind == .connection)
        #expect(!connection.isUsable)
    }

    @Test func `prepared statements survive DISCARD and a change of the table`() throws {
        let select = { try connection.query("select * from item where id >= $1", [0]).columnNames }
        #expect(try select() == ["id", "name"])
        try connection.script("discard all")
        #expect(try select() == ["id", "name"])
        try connection.query("deallocate all")
        #expect(try select() == ["id", "name"])
        try connection.script("alter table item add column note text")
        #expect(try select() == ["id", "name", "note"])
    }

    @Test func `a plan that died inside a transaction is transient and gone the next time`() throws {
        let select = { try connection.query("select * from item").columnNames.count }
        #expect(try select() == 2)
        try connection.script("alter table item add column note text")
        let error = try postgresError { try connection.transaction { _ in _ = try select() } }
        #expect(error?.isTransient == true)
        #expect(try connection.transaction { _ in try select() } == 3)
    }

    @Test func `the session keeps a bounded number of prepared statements`() throws {
        for number in 0..<300 {
            #expect(try connection.query("select \(number) + $1", [1]).only().int(0) == number + 1)
        }
        #expect(try connection.query("select count(*) from pg_prepared_statements").only().int(0) <= 257)
    }

    @Test func `a password never shows`() throws {
        let configuration = PostgresConfiguration(url: "postgresql://me:hunter2@127.0.0.1:1/db")
        for text in ["\(configuration)", String(reflecting: configuration)] {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("127.0.0.1:1"))
        }
        for url in [
            "postgresql://me:hunter2@127.0.0.1:1/db", "postgresql://me:hunter2@[::1", "hunter2",
            "postgresql://a:b@hunter2@h/d",
        ] {
            let error = try postgresError { _ = try PostgresConnection(PostgresConfiguration(url: url)) }
            #expect(error != nil)
            #expect(error.map { "\($0)".contains("hunter2") } == false)
        }
    }

    @Test func `the settings reach the session`() throws {
        var configuration = configuration
        configuration.applicationName = "a test"
        configuration.searchPath = ["odd \"name", "public"]
        configuration.settings["work_mem"] = "8MB"
        let connection = try PostgresConnection(configuration)
        let setting = { try connection.query("select current_setting($1)", [.text($0)]).only().string(0) }
        #expect(try setting("application_name") == "a test")
        #expect(try setting("search_path") == "\"odd \"\"name\",\"public\"")
        #expect(try setting("work_mem") == "8MB")
        #expect(try setting("statement_timeout") == "30s")
        #expect(try setting("client_connection_check_interval") == "5s")
        #expect(try connection.serverIdentity() == self.connection.serverIdentity())
        #expect(try connection.serverIdentity().timeline == 1)
    }

    @Test func `who needs writes is connected to no server that takes none, until it does`() throws {
        let database = "\"\(try connection.query("select current_database()::text").only().string(0))\""
        try connection.script("alter database \(database) set default_transaction_read_only = on")
        #expect(try PostgresConnection(configuration).isUsable, "who only reads")
        var writing = configuration
        writing.needsWrites = true
        let error = try postgresError { _ = try PostgresConnection(writing) }
        #expect(error?.kind == .connection)
        #expect(error?.message.contains("read-only") == true, "\(error?.message ?? "")")
        var choosing = PostgresConfiguration(url: url + "?target_session_attrs=any")
        choosing.needsWrites = true
        #expect(try PostgresConnection(choosing).isUsable, "the URL says which server will do")
        try connection.script("alter database \(database) reset default_transaction_read_only")
        #expect(try PostgresConnection(writing).isUsable)
    }

    @Test func `the back-off grows, stays below its maximum and begins anew`() {
        var backoff = PostgresBackoff()
        for step in [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            let wait = backoff.next()
            #expect(wait >= .milliseconds(step / 2) && wait <= .milliseconds(step))
        }
        backoff.reset()
        #expect(backoff.next() <= .milliseconds(50))
    }
}
