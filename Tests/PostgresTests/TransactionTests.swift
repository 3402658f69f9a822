import Foundation
import Postgres
import Testing

@Suite struct TransactionTests {
    let configuration: PostgresConfiguration
    let connection: PostgresConnection

    struct Refusal: Error {}

    init() throws {
        configuration = try TestDatabase.make()
        connection = try PostgresConnection(configuration)
        try connection.script("create table item (id bigint primary key, name text)")
    }

    private func ids(_ connection: PostgresConnection) throws -> [Int64] {
        try connection.query("select id from item order by id").map { try $0.int64(0) }
    }

    @Test func `what a transaction did is there after its end`() throws {
        let answer = try connection.transaction { transaction in
            try transaction.query("insert into item values ($1, $2)", [1, "one"])
            return try transaction.query("select count(*) from item").only().int64(0)
        }
        #expect(answer == 1)
        #expect(try ids(connection) == [1])
    }

    @Test func `a thrown error undoes the transaction and comes through`() throws {
        #expect(throws: Refusal.self) {
            try connection.transaction { transaction in
                try transaction.query("insert into item values (1, null)")
                throw Refusal()
            }
        }
        #expect(try ids(connection).isEmpty)
        #expect(!connection.isInTransaction)
    }

    @Test func `a savepoint fails alone, also inside another`() throws {
        try connection.transaction { transaction in
            try transaction.query("insert into item values (1, null)")
            try transaction.savepoint { inner in
                try inner.query("insert into item values (2, null)")
                let error = try postgresError {
                    try inner.savepoint { innermost in _ = try innermost.query("insert into item values (1, null)") }
                }
                #expect(error?.isUniqueViolation == true)
                #expect(error?.constraint == "item_pkey")
                #expect(error?.table == "item")
            }
            #expect(throws: Refusal.self) {
                try transaction.savepoint { inner in
                    try inner.query("insert into item values (3, null)")
                    throw Refusal()
                }
            }
        }
        #expect(try ids(connection) == [1, 2])
    }

    @Test func `a transaction whose error was swallowed is not reported as committed`() throws {
        let error = try postgresError {
            try connection.transaction { transaction in
                try transaction.query("insert into item values (1, null)")
                _ = try? transaction.query("select 1 / 0")
            }
        }
        #expect(error?.sqlState == .inFailedTransaction)
        #expect(error?.isCommitUnknown == false)
        #expect(try ids(connection).isEmpty)
    }

    @Test func `a second transaction on the same connection is refused`() throws {
        try connection.transaction { _ in
            let error = try postgresError { try connection.transaction { _ in } }
            #expect(error?.kind == .usage)
        }
    }

    @Test func `a violation found by COMMIT is known to be rolled back`() throws {
        try connection.script("create table late (id int unique deferrable initially deferred)")
        let error = try postgresError {
            try connection.transaction { try $0.script("insert into late values (1), (1)") }
        }
        #expect(error?.isUniqueViolation == true)
        #expect(error?.isTransient == false)
    }

    @Test func `a serialization failure is transient`() throws {
        try connection.script("insert into item values (1, 'a')")
        let other = try PostgresConnection(configuration)
        let error = try postgresError {
            try connection.transaction(.repeatableRead) { transaction in
                try transaction.query("select * from item")
                try other.script("update item set name = 'b'")
                try transaction.query("update item set name = 'c'")
            }
        }
        #expect(error?.sqlState == .serializationFailure)
        #expect(error?.isTransient == true)
        #expect(connection.isUsable)
    }

    @Test func `one of two in a deadlock gets a transient error`() throws {
        try connection.script("insert into item values (1, 'a'), (2, 'a')")
        let configuration = configuration
        let lockBoth = { @Sendable (first: Int64, second: Int64) -> Background<PostgresError?> in
            Background {
                let connection = try PostgresConnection(configuration)
                return try postgresError {
                    try connection.transaction { transaction in
                        try transaction.query("update item set name = 'b' where id = $1", [.int64(first)])
                        try transaction.query("select pg_advisory_xact_lock_shared(1)")
                        try eventually {
                            try transaction.query(
                                "select count(*) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())"
                            ).only().int64(0) == 2
                        }
                        try transaction.query("update item set name = 'b' where id = $1", [.int64(second)])
                    }
                }
            }
        }
        let one = lockBoth(1, 2)
        let two = lockBoth(2, 1)
        let errors = [try one.value(), try two.value()].compactMap { $0 }
        #expect(errors.first?.sqlState == .deadlockDetected)
        #expect(errors.allSatisfy { $0.isTransient && $0.isSerializationFailure })
    }

    @Test func `a syntax error is not transient and names no values`() throws {
        let error = try postgresError { try connection.query("selekt 1") }
        #expect(error?.sqlState == .syntaxError)
        #expect(error?.isTransient == false)
        try connection.query("insert into item values (1, 'secret')")
        let violation = try postgresError { try connection.query("insert into item values (1, 'other')") }
        #expect(violation?.detail?.contains("(1)") == true)
        #expect(violation?.description.contains("(1)") == false)
        let conversion = try postgresError { try connection.query("select $1::text::bigint", ["secret"]) }
        #expect(conversion?.description.contains("secret") == false)
    }

    @Test func `who is in a transaction is told, and whether it keeps dead rows`() throws {
        var reading = configuration
        reading.applicationName = "report"
        let reader = try PostgresConnection(reading)
        func found(after duration: Duration) throws -> PostgresLongTransaction? {
            try connection.transactions(openFor: duration).first { $0.pid == reader.backendPID }
        }
        #expect(try found(after: .zero) == nil)
        try reader.transaction(.repeatableRead) { transaction in
            try transaction.query("select from item")
            let told = try found(after: .zero)
            #expect(told?.name == "report" && told?.keepsVersions == true)
            #expect(try found(after: .seconds(3600)) == nil)
        }
    }

    @Test func `who may not see other roles' sessions is told that a transaction keeps rows, not since when`() throws {
        let reader = try PostgresConnection(configuration)
        let role = "watcher_\(connection.backendPID)"
        #expect(try connection.roleWithoutStatistics() == nil, "a superuser sees all")
        try reader.transaction(.repeatableRead) { transaction in
            try transaction.query("select from item")
            try connection.script("create role \(role); set role \(role)")
            defer { try? connection.script("reset role; drop role \(role)") }
            #expect(try connection.roleWithoutStatistics() == role)
            let told = try connection.transactions(openFor: .seconds(3600)).first { $0.pid == reader.backendPID }
            #expect(told?.seconds == nil && told?.keepsVersions == true)
            #expect(told?.description.hasSuffix("(pid \(reader.backendPID)) for an unknown time") == true)
            try connection.script("reset role; grant pg_read_all_stats to \(role); set role \(role)")
            #expect(try connection.roleWithoutStatistics() == nil)
            #expect(try connection.transactions(openFor: .zero).contains { $0.seconds != nil })
        }
    }

    @Test func `a vacuum keeps no dead rows, however long it takes`() throws {
        var named = configuration
        named.applicationName = "vacuum of item"
        let sweeping = named
        let holder = try PostgresConnection(configuration)
        let sweep = try holder.transaction { transaction in
            try transaction.script("lock table item in share update exclusive mode")
            let sweep = Background { try PostgresConnection(sweeping).script("vacuum item") }
            func waiting() throws -> PostgresLongTransaction? {
                try connection.transactions(openFor: .zero).first { $0.name == sweeping.applicationName }
            }
            try eventually {
                try !connection.query("select from pg_locks where not granted and relation = 'item'::regclass").isEmpty
            }
            #expect(try waiting()?.keepsVersions == false)
            return sweep
        }
        try sweep.value()
    }
}
