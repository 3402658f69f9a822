import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// The broker refuses messages of a relay that works as operators have it: with transactions, and leases that it took.
extension RelayShardTests {
    /// A relay that holds nothing yet.
    ///
    /// - Parameter denied: How long it waits with a topic that may not be written.
    func relay(
        transactional: Bool = true,
        lease: Duration = .seconds(10),
        denied: Duration = .seconds(600)
    ) -> RelayShards {
        var configuration = configuration
        configuration.isTransactional = transactional
        configuration.leaseDuration = lease
        configuration.deniedTopicPatience = denied
        configuration.kafka.properties["message.timeout.ms"] = nil
        return RelayShards(configuration, owner: "relay", connection: connection, logger: configuration.logger)
    }

    /// What a lane does in one turn.
    func turn(_ relay: RelayShards) throws {
        do {
            try relay.visitLeases()
            _ = try relay.publish()
        } catch let error as KafkaError {
            try relay.startAnew(after: error)
        }
    }

    /// Takes turns until nothing waits.
    func publishAll(_ relay: RelayShards) throws {
        _ = try eventually("an empty outbox") {
            try turn(relay)
            return try waiting() == 0 ? true : nil
        }
    }

    /// The keys of the messages that were set aside, in the order in which they were.
    func setAside() throws -> [String] {
        try connection.query("select convert_from(key, 'UTF8') from outbox_failed order by id").map { try $0.string(0) }
    }

    /// The keys on a topic, in the order in which they first came: the embedded broker shows what was aborted, too.
    func keys(on topic: String) throws -> [String] {
        let reader = try KafkaReader(broker.settings)
        defer { reader.close() }
        try reader.read(["t." + topic], fromBeginning: true)
        var keys: [String] = []
        while !reader.isAtEnd {
            guard let message = try reader.next(timeout: .milliseconds(200)) else { continue }
            let key = try #require(message.key)
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    @Test(arguments: [true, false])
    func `a message that is refused among others is set aside, and the relay goes on with its producer`(
        transactional: Bool
    ) throws {
        try Self.put([.event("before", "1"), .large("large"), .event("small", "1")], on: connection)
        try Self.put([.event("last", "1")], on: connection)
        try Self.put([.event("other", "1")], in: 4, on: connection)
        let relay = relay(transactional: transactional)
        try relay.visitLeases()
        let producer = try relay.producer()
        try publishAll(relay)
        #expect(try setAside() == ["large"])
        #expect(try relay.producer() === producer)
        let keys = try keys(on: "cdevents")
        #expect(keys.filter { $0 != "other" } == ["c", "before", "small", "last"])
        #expect(keys.contains("other"))
        try relay.close()
    }

    @Test(arguments: [true, false])
    func `of several messages that are refused in one round each is set aside, and nothing else`(
        transactional: Bool
    ) throws {
        try Self.put([.large("large 1"), .event("between", "1"), .large("large 2")], on: connection)
        try Self.put([.event("behind", "1"), .large("large 3")], on: connection)
        try Self.put([.event("other", "1"), .large("large 4")], in: 4, on: connection)
        let relay = relay(transactional: transactional)
        try publishAll(relay)
        #expect(try setAside().sorted() == ["large 1", "large 2", "large 3", "large 4"])
        let keys = try keys(on: "cdevents")
        #expect(keys.filter { $0 != "other" } == ["c", "between", "behind"])
        #expect(keys.contains("other"))
        try relay.close()
    }

    @Test(arguments: [true, false])
    func `what the broker said of a round that it refused is not taken for its word on the next`(
        transactional: Bool
    ) throws {
        let relay = relay(transactional: transactional)
        try relay.visitLeases()
        // Messages of two topics, which are sent to it in a request each.
        try broker.pushRequestErrors(.produce, [.messageTooLarge, .messageTooLarge])
        #expect(try relay.publish())
        #expect(relay.held[3]?.isAlone == true)
        try broker.clearRequestErrors(.produce)
        try publishAll(relay)
        #expect(try setAside().isEmpty)
        #expect(try keys(on: "cdevents") == ["c"])
        #expect(try keys(on: "instance.status").sorted() == ["a", "b"])
        try relay.close()
    }

    @Test func `the search for a refused message goes on with the shard's next lease and another producer`() throws {
        try Self.put([.large("large"), .event("behind", "1")], on: connection)
        let relay = relay()
        try relay.visitLeases()
        let epoch = try #require(relay.held[3]?.epoch)
        #expect(try relay.publish())
        #expect(relay.held[3]?.isAlone == true)
        try relay.startAnew(after: KafkaError(.transport, operation: "publish"))
        #expect(relay.held.isEmpty)
        try relay.visitLeases()
        #expect(relay.held[3]?.epoch == epoch + 1)
        #expect(relay.held[3]?.isAlone == true)
        try publishAll(relay)
        #expect(try setAside() == ["large"])
        try relay.close()
    }
}
