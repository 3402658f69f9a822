import Postgres
import Testing

/// Statements that travel together.
@Suite struct PipelineTests {
    let connectionConfiguration: PostgresConfiguration
    let connection: PostgresConnection

    init() throws {
        connectionConfiguration = try TestDatabase.make()
        connection = try PostgresConnection(connectionConfiguration)
        try connection.script("create table item (id bigint primary key, name text)")
    }

    private var ids: [Int64] {
        get throws { try connection.query("select id from item order by id").map { try $0.int64(0) } }
    }

    @Test func `submitted statements run in their order, and their rows can be asked for`() throws {
        let (first, second) = try connection.transaction { transaction in
            try transaction.submit("insert into item values (1, 'one')")
            let before = try transaction.submit("select name from item where id = $1", [1])
            try transaction.submit("update item set name = 'uno'")
            let after = try transaction.submit("select name from item where id = $1", [1])
            let second = try transaction.result(of: after).only().string(0)
            return (try transaction.result(of: before).only().string(0), second)
        }
        #expect(first == "one")
        #expect(second == "uno")
        #expect(try ids == [1])
    }

    @Test func `what was submitted last is committed with the transaction`() throws {
        try connection.transaction { transaction in
            for id in 1...500 { try transaction.submit("insert into item values ($1, $2)", [.int64(Int64(id)), "x"]) }
        }
        #expect(try ids.count == 500)
        #expect(!connection.isInTransaction)
    }

    @Test func `an error of a submitted statement comes with the next one, and nothing is committed`() throws {
        let error = try postgresError {
            try connection.transaction { transaction in
                try transaction.submit("insert into item values (1, null)")
                try transaction.submit("insert into item values (1, null)")
                try transaction.submit("insert into item values (2, null)")
                _ = try transaction.query("select 1")
                Issue.record("the error was not thrown")
            }
        }
        #expect(error?.isUniqueViolation == true)
        #expect(!connection.isInTransaction)
        #expect(try ids.isEmpty)
    }

    @Test func `an error of the last submitted statement is the commit's, which does not happen`() throws {
        let error = try postgresError {
            try connection.transaction { transaction in
                try transaction.query("insert into item values (1, null)")
                try transaction.submit("insert into item values (1, null)")
            }
        }
        #expect(error?.isUniqueViolation == true)
        #expect(error?.isCommitUnknown == false)
        #expect(!connection.isInTransaction)
        #expect(try ids.isEmpty)
    }

    @Test func `a savepoint undoes what was submitted in it, and nothing before`() throws {
        try connection.transaction { transaction in
            try transaction.submit("insert into item values (1, null)")
            let error = try postgresError {
                try transaction.savepoint { inner in
                    try inner.submit("insert into item values (2, null)")
                    try inner.submit("insert into item values (1, null)")
                }
            }
            #expect(error?.isUniqueViolation == true)
            try transaction.submit("insert into item values (3, null)")
        }
        #expect(try ids == [1, 3])
    }

    @Test func `a thrown error gives up what was submitted`() throws {
        struct Refusal: Error {}
        #expect(throws: Refusal.self) {
            try connection.transaction { transaction in
                try transaction.submit("insert into item values (1, null)")
                throw Refusal()
            }
        }
        #expect(try ids.isEmpty)
    }

    @Test func `a constraint that is checked at the end fails the commit`() throws {
        try connection.script("alter table item add unique (name) deferrable initially deferred")
        let error = try postgresError {
            try connection.transaction { transaction in
                _ = try transaction.submit("insert into item values (1, 'same'), (2, 'same')")
            }
        }
        #expect(error?.isUniqueViolation == true)
        #expect(try ids.isEmpty)
    }

    @Test func `an unheeded notification arrives, and disturbs neither statements nor transactions`() throws {
        let listener = try PostgresConnection(connectionConfiguration)
        try listener.listen("item")
        for id in 1...3 {
            try connection.transaction { transaction in
                _ = try transaction.submit("insert into item values ($1, null)", [.int64(Int64(id))])
            }
            try connection.notifyUnheeded("item")
            #expect(!connection.isInTransaction)
        }
        #expect(try listener.waitForNotification(timeout: .seconds(30))?.channel == "item")
        try connection.notifyUnheeded("item")
        try connection.script("insert into item values (4, null)")
        #expect(try ids == [1, 2, 3, 4])
    }

    @Test func `a session that ends under submitted statements is lost, and a new one works`() throws {
        let other = try PostgresConnection(connectionConfiguration)
        let pid = connection.backendPID
        let error = try postgresError {
            try connection.transaction { transaction in
                try transaction.query("insert into item values (1, null)")
                try transaction.submit("insert into item values (2, null)")
                try other.query("select pg_terminate_backend($1)", [.int32(pid)])
                try eventually {
                    try other.query("select 1 from pg_stat_activity where pid = $1", [.int32(pid)]).isEmpty
                }
            }
        }
        #expect(error?.isConnectionLost == true)
        try connection.reconnect()
        #expect(try ids.isEmpty)
    }

    @Test func `a session that the server ends under submitted statements tells its reason`() throws {
        let error = try postgresError {
            try connection.transaction { transaction in
                try transaction.submit("select pg_terminate_backend(pg_backend_pid())")
                try transaction.submit("insert into item values (1, null)")
                _ = try transaction.query("select 1")
            }
        }
        #expect(error?.kind == .connection)
        #expect(error?.sqlState == .adminShutdown)
        #expect(error?.isServersTrouble == true)
        try connection.reconnect()
        #expect(try ids.isEmpty)
    }

    @Test func `the rows of a statement are given once`() throws {
        let error = try postgresError {
            try connection.transaction { transaction in
                let one = try transaction.submit("select 1")
                _ = try transaction.result(of: one)
                _ = try transaction.result(of: one)
            }
        }
        #expect(error?.kind == .usage)
    }
}
