import Kafka
import Logging
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// What a lane does about a message that fails again and again, fresh or parked, and about those behind it.
@Suite struct ParkedRetryTests {
    private let url: String
    private let connection: PostgresConnection
    private let broker: KafkaMockCluster
    private let script = Script()
    private let lane: Lane<ScriptedHandler>

    init() throws {
        url = try TestDatabase.make()
        connection = try TestDatabase.connect(url)
        try connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, epoch, next_offset)
            values ('t.tester', 'things', 0, 1, 0)
            """
        )
        broker = try KafkaMockCluster()
        try broker.createTopic("t.things", partitions: 1)
        var configuration = LaneConfiguration(
            worker: "tester",
            topic: "things",
            topicPrefix: "t.",
            kafka: broker.settings,
            database: PostgresConfiguration(url: url),
            logger: Logger(label: "test")
        )
        configuration.retries.attempts = 2
        configuration.retries.firstDelay = .zero
        lane = try Lane(
            configuration,
            name: "lane",
            handler: ScriptedHandler(script: script),
            stop: StopSignal(),
            pulse: LanePulse()
        )
        lane.claims[0] = PartitionClaim(epoch: 1, nextOffset: 0)
    }

    /// Parks a message under each key, due in this order.
    private func park(_ keys: String...) throws {
        let queue = ParkedQueue(group: "t.tester", topic: "things")
        let reason = Reason(code: "handler_failed", sentence: "It failed.")
        for (offset, key) in keys.enumerated() {
            let message = KafkaMessageView(topic: "things", offset: Int64(offset), key: key, headers: [], value: [1])
            try connection.transaction { (transaction: borrowing PostgresTransaction) in
                if try queue.lock([Array(key.utf8)], in: transaction).isEmpty {
                    try queue.open(message, keeping: [], reason: reason, delay: 0, in: transaction)
                } else {
                    try queue.append(message, keeping: [], in: transaction)
                }
            }
        }
    }

    private func visit() throws {
        lane.nextParkedVisit = .now
        try lane.retryParked()
    }

    /// The keys that wait: each with its tries, those whose transaction failed, how many lanes have begun with it, and why
    /// it waits.
    private func waiting() throws -> [String] {
        try connection.query(
            """
            select convert_from(key, 'UTF8') || ' ' || attempt || '+' || failures || ' ' || begun || ' ' || reason_code
            from parked_key order by key
            """
        ).map { try $0.string(0) }
    }

    private static func failure(_ state: PostgresSQLState) -> PostgresError {
        PostgresError(kind: .server, message: "not now", sqlState: state)
    }

    @Test func `a look for keys that are due reads none of those that wait`() throws {
        try connection.script(
            """
            insert into parked_key (consumer_group, topic, key, partition, due, attempt, messages, bytes, reason_code,
                reason, parked_at)
                select 't.tester', 'things', convert_to('later-' || n, 'UTF8'), 0, now() + interval '1 hour', 1, 1, 1,
                    'handler_failed', 'It failed.', now()
                from generate_series(1, 2000) n;
            analyze;
            set enable_seqscan = off;
            set random_page_cost = 1.1;
            set plan_cache_mode = force_generic_plan
            """
        )
        try park("now")
        try connection.script("begin")
        let due = try ParkedQueue(group: "t.tester", topic: "things").due(in: [0], on: connection)
        let read = try connection.query(
            "select idx_tup_fetch + seq_tup_read from pg_stat_xact_user_tables where relname = 'parked_key'"
        ).only().int64(0)
        try connection.script("rollback")
        #expect(due.map { String(decoding: $0.key, as: UTF8.self) } == ["now"])
        #expect((1..<100).contains(read))
    }

    @Test func `a try that nobody is to blame for does not count, and the next key is tried`() throws {
        try park("a", "b")
        script.failures["a"] = Self.failure(.lockNotAvailable)
        try visit()
        #expect(script.handled == ["b"])
        #expect(try waiting() == ["a 1+0 0 kept_failing"])
        let resting = "select count(*) from parked_key where due > parked_at + interval '5 seconds'"
        #expect(try connection.query(resting).only().int64(0) == 1)
        #expect(lane.begunKeys.isEmpty)
    }

    @Test func `a message that keeps losing against others is dead-lettered after its last try`() throws {
        try park("a")
        script.failures["a"] = Self.failure(.serializationFailure)
        try visit()
        #expect(try waiting() == ["a 1+1 0 kept_failing"])
        _ = try eventually("it is given up") { () -> Bool? in
            try visit()
            return try waiting().isEmpty ? true : nil
        }
        #expect(script.tries == ["a", "a", "a"])
        let letter = try connection.query(
            """
            select topic, convert_from(key, 'UTF8'), position('kept_failing'::bytea in headers) > 0 from outbox_message
            """
        ).only()
        #expect(try [letter.string(0), letter.string(1)] == ["things.dlt", "a"])
        #expect(try letter.bool(2))
    }

    @Test func `a transaction that fails uses up none of the message's own tries, nor of those of the next one`()
        throws
    {
        try park("a", "a")
        let failing: [(any Error)?] = [
            Self.failure(.serializationFailure), Reason(code: "own", sentence: "Its own."),
            Self.failure(.deadlockDetected), nil, Self.failure(.serializationFailure), nil,
        ]
        script.onTry = { [script] _ in script.failures["a"] = failing[script.tries.count - 1] }
        _ = try eventually("both are done") { () -> Bool? in
            try visit()
            return try waiting().isEmpty ? true : nil
        }
        #expect(script.tries.count == failing.count)
        #expect(script.handled == ["a", "a"])
        #expect(try connection.query("select from outbox_message where topic = 'things.dlt'").isEmpty)
    }

    @Test func `a try in which the session ended counts, unless the server says that it ended it for another reason`()
        throws
    {
        try park("a", "b")
        script.failures["a"] = PostgresError(kind: .connection, message: "the server closed the connection")
        script.failures["b"] = PostgresError(kind: .connection, message: "restarted", sqlState: .adminShutdown)
        _ = try eventually("both are tried") { () -> Bool? in
            try visit()
            return script.tries.contains("b") ? true : nil
        }
        let waiting = try waiting()
        #expect(!waiting.contains { $0.hasPrefix("a 1+0") }, "it counts, and may be given up by now")
        #expect(waiting.contains("b 1+0 0 kept_failing"))
    }

    @Test func `a batch in which a message always ends the session is taken apart, and the others are done`() throws {
        let session = lane.connection
        script.failures["bad"] = PostgresError(kind: .connection, message: "the server closed the connection")
        script.onTry = { if $0 == "bad" { session.close() } }
        try lane.settle(
            ["bad", "fine"].enumerated().map { offset, key in
                let place = Int64(offset)
                let message = KafkaMessageView(topic: "things", offset: place, key: key, headers: [], value: [1])
                return Held(key, message: message, epoch: 1, inboxKey: nil)
            }
        )
        #expect(script.handled == ["fine"])
        #expect(try waiting() == ["bad 1+0 0 kept_failing"])
        let row = try connection.query("select next_offset, applied, parked from partition_claim").only()
        #expect(try [row.int64(0), row.int64(1), row.int64(2)] == [2, 1, 1])
    }

    @Test func `what is refused in any case does not wait behind a failed one, and takes no room there`() throws {
        try park("a")
        try lane.settle(
            ["stranger", "a"].enumerated().map { offset, input in
                let place = Int64(offset)
                let message = KafkaMessageView(topic: "things", offset: place, key: "a", headers: [], value: [1])
                return Held(input, message: message, epoch: 1, inboxKey: nil)
            }
        )
        #expect(script.handled == ["stranger"])
        #expect(try connection.query("select messages from parked_key").only().int32(0) == 2)
        let row = try connection.query("select next_offset, applied, parked from partition_claim").only()
        #expect(try [row.int64(0), row.int64(1), row.int64(2)] == [2, 1, 1])
    }

    @Test func `a lock that others kept is not laid to a message whose transaction then loses once`() throws {
        let failing: [(any Error)?] = [
            Self.failure(.lockNotAvailable), Self.failure(.lockNotAvailable), Self.failure(.lockNotAvailable),
            Self.failure(.lockNotAvailable), Self.failure(.deadlockDetected), nil,
        ]
        script.onTry = { [script] _ in script.failures["a"] = failing[script.tries.count - 1] }
        let message = KafkaMessageView(topic: "things", offset: 0, key: "a", headers: [], value: [1])
        try lane.settle([Held("a", message: message, epoch: 1, inboxKey: nil)])
        #expect(script.handled == ["a"])
        #expect(try waiting() == [])
    }

    @Test func `a key that somebody keeps locked is passed over, and not waited for`() throws {
        try park("a", "b")
        let other = try TestDatabase.connect(url)
        try other.transaction { (transaction: borrowing PostgresTransaction) in
            _ = try transaction.query("select from parked_key where key = 'a' for update")
            try visit()
        }
        #expect(script.handled == ["b"])
        try visit()
        #expect(script.handled == ["b", "a"])
        #expect(try waiting() == [])
    }

    @Test func `a lane that ends in good order is not laid to a message that it had begun with and not tried`() throws {
        try park("a")
        let other = try TestDatabase.connect(url)
        // Somebody locks the key between the beginning and the try.
        script.onDecode = { try? other.script("begin; select from parked_key for update") }
        try visit()
        #expect(script.tries.isEmpty)
        try other.script("rollback")
        #expect(try waiting() == ["a 1+0 1 handler_failed"])
        try lane.drain()
        #expect(try waiting() == ["a 1+0 0 handler_failed"])
    }

    @Test func `a message is decoded while no transaction is open, since decoding may ask others`() throws {
        try park("fine", "failing", "dropped")
        script.failures["failing"] = Reason(code: "own", sentence: "Its own.")
        let dropped = try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try ParkedDesk(connection).drop(ParkedDesk.Filter(key: "dropped"), all: false, in: transaction)
        }
        #expect(dropped == 1)
        let (log, session) = (script, lane.connection)
        log.onDecode = { log.transactions.append(session.isInTransaction) }
        _ = try eventually("all are settled") { () -> Bool? in
            try visit()
            return try waiting().isEmpty ? true : nil
        }
        #expect(script.handled == ["fine"])
        #expect(script.transactions.count >= 4)
        #expect(!script.transactions.contains(true))
        let letters = try connection.query("select count(*) from outbox_message where topic = 'things.dlt'").only()
        #expect(try letters.int64(0) == 2)
    }
}

/// What becomes of messages, by their keys, and what became of them.
private final class Script {
    /// With what the tries of a key fail.
    var failures: [String: any Error] = [:]
    /// Called before a message is handled, with its key.
    var onTry: (String) -> Void = { _ in }
    /// Called before a message is decoded.
    var onDecode: () -> Void = {}
    /// Whether a transaction was open, of each message that was decoded.
    var transactions: [Bool] = []
    var tries: [String] = []
    var handled: [String] = []
}

private struct ScriptedHandler: Handler {
    let script: Script

    func decode(_ message: KafkaMessageView) throws(Refusal) -> String {
        script.onDecode()
        return message.key ?? ""
    }

    func inboxKey(of input: String) -> InboxKey? { nil }

    func waitsBehindOthers(_ input: String) -> Bool { input != "stranger" }

    func handle(_ batch: Batch<String>, in transaction: borrowing PostgresTransaction) throws {
        for entry in batch.entries {
            script.tries.append(entry.input)
            script.onTry(entry.input)
            if let error = script.failures[entry.input] { throw error }
            script.handled.append(entry.input)
        }
    }
}
