import Foundation
import Kafka
import Testing

/// What the mock cluster cannot show, on a broker of another make that SLIPWAY_TEST_BROKERS names.
@Suite(
    .enabled(if: NamedBroker.servers != nil, "There is no second broker: 'make test-broker' starts one."),
    .timeLimit(.minutes(3))
)
struct NamedBrokerTests {
    @Test func `a topic is made with its properties, and once`() async throws {
        try await onOwnThread {
            let broker = try NamedBroker(partitions: 2, configuration: ["cleanup.policy": "compact"])
            let admin = try KafkaAdmin(broker.settings())
            #expect(try admin.metadata(timeout: .seconds(10)).topic(broker.topic)?.partitionCount == 2)
            let entries = try admin.describeConfiguration(broker.topic, timeout: .seconds(10))
            #expect(entries.first { $0.name == "cleanup.policy" }?.value == "compact")
            let again = #expect(throws: KafkaError.self) {
                try admin.createTopics(
                    [KafkaTopicDefinition(name: broker.topic, partitions: 2)],
                    timeout: .seconds(10)
                )
            }
            #expect(again?.code == .topicAlreadyExists)
            admin.close()
        }
    }

    @Test(.whereBroker(can: "growth"))
    func `a topic grows`() async throws {
        try await onOwnThread {
            let broker = try NamedBroker(partitions: 2)
            let admin = try KafkaAdmin(broker.settings())
            try admin.createPartitions(broker.topic, total: 3, timeout: .seconds(10))
            #expect(try admin.metadata(timeout: .seconds(10)).topic(broker.topic)?.partitionCount == 3)
            admin.close()
        }
    }

    @Test func `a producer whose transactional id was taken over is refused, and what it held is not read`()
        async throws
    {
        try await onOwnThread {
            let broker = try NamedBroker()
            let first = try KafkaProducer(broker.settings(), transactionalID: broker.topic)
            try first.initTransactions(timeout: .seconds(10))
            try first.beginTransaction()
            let second = try KafkaProducer(broker.settings(), transactionalID: broker.topic)
            try second.initTransactions(timeout: .seconds(10))
            // As a relay that wakes late does: what a broker has of a transaction that is aborted, not each one hides.
            try first.send(KafkaRecord(topic: broker.topic, partition: 0, value: Array("held".utf8)), tag: 1)
            let error = #expect(throws: KafkaError.self) { try first.commitTransaction(timeout: .seconds(10)) }
            #expect(error?.isFatal == true && error?.isRetriable == false, "\(String(describing: error))")
            try second.beginTransaction()
            try second.send(KafkaRecord(topic: broker.topic, partition: 0, value: Array("new".utf8)), tag: 2)
            try second.commitTransaction(timeout: .seconds(10))
            let reader = Reader(try broker.consumer(group: "readers"))
            try reader.read(1)
            #expect(reader.values == ["new"])
            first.close()
            second.close()
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test(.whereBroker(can: "abort"))
    func `what was aborted is not read`() async throws {
        try await onOwnThread {
            let broker = try NamedBroker()
            let producer = try KafkaProducer(broker.settings(), transactionalID: broker.topic)
            try producer.initTransactions(timeout: .seconds(10))
            for (text, isKept) in [("one", true), ("dropped", false), ("two", true)] {
                try producer.beginTransaction()
                try producer.send(KafkaRecord(topic: broker.topic, partition: 0, value: Array(text.utf8)), tag: 1)
                if isKept {
                    try producer.commitTransaction(timeout: .seconds(10))
                } else {
                    _ = try producer.flush(timeout: .seconds(10))
                    try producer.abortTransaction(timeout: .seconds(10))
                }
            }
            let reader = Reader(try broker.consumer(group: "readers"))
            try reader.read(2)
            #expect(reader.values == ["one", "two"])
            producer.close()
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test(.whereBroker(can: "static-members"))
    func `a static member that comes back within its session keeps its partitions, and nobody is disturbed`()
        async throws
    {
        try await onOwnThread {
            let broker = try NamedBroker(partitions: 2)
            let first = Reader(try broker.consumer(group: "fixed", instance: "first"))
            let other = Reader(try broker.consumer(group: "fixed", instance: "other"))
            _ = try waitFor("a partition each", limit: .seconds(60)) { () -> Bool? in
                try first.step()
                try other.step()
                return first.consumer.assignment.count == 1 && other.consumer.assignment.count == 1 ? true : nil
            }
            let (held, kept) = (first.consumer.assignment, other.consumer.assignment)
            let before = other.revocations.count
            #expect(first.consumer.close(deadline: .seconds(5)))
            let back = Reader(try broker.consumer(group: "fixed", instance: "first"))
            _ = try waitFor("its partition", limit: .seconds(60)) { () -> Bool? in
                try back.step()
                try other.step()
                return back.consumer.assignment.isEmpty ? nil : true
            }
            #expect(back.consumer.assignment == held)
            #expect(other.revocations.dropFirst(before).flatMap(\.partitions) == [], "nothing was taken from the other")
            #expect(other.consumer.assignment == kept)
            for reader in [back, other] { #expect(reader.consumer.close(deadline: .seconds(5))) }
        }
    }

    @Test(.whereBroker(can: "append-time"))
    func `a topic of append times has the broker's clock on its messages`() async throws {
        try await onOwnThread {
            let broker = try NamedBroker(configuration: ["message.timestamp.type": "LogAppendTime"])
            let producer = try KafkaProducer(broker.settings())
            try producer.send(
                KafkaRecord(topic: broker.topic, partition: 0, value: [1], timestampMilliseconds: 1000),
                tag: 1
            )
            #expect(try producer.flush(timeout: .seconds(10)).allSatisfy { $0.error == nil })
            let reader = Reader(try broker.consumer(group: "readers"))
            try reader.read(1)
            #expect(reader.messages[0].timestamp.kind == .logAppendTime)
            #expect(reader.messages[0].timestamp.millisecondsSince1970 > 1_700_000_000_000)
            producer.close()
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `who is in no group keeps its place in one all the same`() async throws {
        try await onOwnThread {
            let broker = try NamedBroker()
            let consumer = try KafkaConsumer(broker.settings(), group: broker.topic + "-places", topics: [])
            let place = KafkaTopicPartition(topic: broker.topic, partition: 0)
            #expect(try consumer.partitions(of: broker.topic, timeout: .seconds(10)) == [place])
            #expect(try consumer.partitions(of: broker.topic + "-absent", timeout: .seconds(10)) == [])
            #expect(try consumer.committed([place], timeout: .seconds(10)) == [])
            try broker.send(["a", "b"])
            try consumer.assign([KafkaPosition(place, offset: 0)])
            _ = try waitFor("both messages") { () -> Bool? in
                if case .message(let message) = try consumer.poll(timeout: .milliseconds(50)), message.offset == 1 {
                    true
                } else {
                    nil
                }
            }
            try consumer.storeOffset(KafkaPosition(place, offset: 2))
            try consumer.commit(wait: true)
            #expect(try consumer.committed([place], timeout: .seconds(10)) == [KafkaPosition(place, offset: 2)])
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips what the broker cannot do, as SLIPWAY_TEST_BROKER_LACKS says: `abort append-time growth static-members`.
    fileprivate static func whereBroker(can what: String) -> Self {
        let lacks = ProcessInfo.processInfo.environment["SLIPWAY_TEST_BROKER_LACKS"] ?? ""
        return .disabled(if: lacks.split(separator: " ").contains { $0 == what }, "This broker has no \(what).")
    }
}

/// A topic of a test's own on the named broker.
struct NamedBroker: Sendable {
    static let servers = ProcessInfo.processInfo.environment["SLIPWAY_TEST_BROKERS"].flatMap { $0.isEmpty ? nil : $0 }

    let topic = "test-\(UUID().uuidString.lowercased())"

    init(partitions: Int = 1, configuration: [String: String] = [:]) throws {
        let admin = try KafkaAdmin(settings())
        defer { admin.close() }
        try admin.createTopics(
            [KafkaTopicDefinition(name: topic, partitions: partitions, configuration: configuration)],
            timeout: .seconds(20)
        )
    }

    func settings(_ properties: [String: String] = [:]) -> KafkaSettings {
        KafkaSettings(bootstrapServers: Self.servers ?? "", properties: properties)
    }

    func consumer(group: String, instance: String? = nil) throws -> KafkaConsumer {
        let properties = ["session.timeout.ms": "6000", "heartbeat.interval.ms": "500"]
        return try KafkaConsumer(
            settings(properties),
            group: "\(topic)-\(group)",
            topics: [topic],
            instance: instance
        )
    }

    func send(_ values: [String]) throws {
        let producer = try KafkaProducer(settings())
        for (index, value) in values.enumerated() {
            try producer.send(KafkaRecord(topic: topic, partition: 0, value: Array(value.utf8)), tag: UInt64(index))
        }
        #expect(try producer.flush(timeout: .seconds(10)).allSatisfy { $0.error == nil })
        producer.close()
    }
}
