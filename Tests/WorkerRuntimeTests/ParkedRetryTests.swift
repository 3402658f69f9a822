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
                try queue.open(message, keeping: [], reason: reason, delay: 0, in: transaction)
            }
        }
    }

    private func visit() throws {
        lane.nextParkedVisit = .now
        try lane.retryParked()
    }

    /// The keys that wait: each with its tries, how many lanes have begun with it, and why it waits.
    private func waiting() throws -> [String] {
        try connection.query(
            """
            select convert_from(key, 'UTF8') || ' ' || attempt || ' ' || begun || ' ' || reason_code from parked_key
            order by key
            """
        ).map { try $0.string(0) }
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

    func handle(_ batch: Batch<String>, in transaction: borrowing PostgresTransaction) throws {
        for entry in batch.entries {
            script.tries.append(entry.input)
            if let error = script.failures[entry.input] { throw error }
            script.handled.append(entry.input)
        }
    }
}
