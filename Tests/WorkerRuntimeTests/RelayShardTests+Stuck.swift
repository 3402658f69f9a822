import Kafka
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// A topic takes nothing, for good or for a while; the relay's other messages go out.
extension RelayShardTests {
    private func waiting(in shard: Int32) throws -> Int64 {
        try connection.query("select coalesce(sum(messages), 0)::bigint from outbox where shard = $1", [.int32(shard)])
            .only().int64(0)
    }

    @Test func `messages to a topic that there is none of are set aside within a lease`() throws {
        try broker.setTopicError("t.gone", .unknownTopicOrPartition)
        try Self.put([.event("before", "1"), .event("lost", "1", on: "gone"), .event("behind", "1")], on: connection)
        try Self.put([.event("other", "1")], in: 4, on: connection)
        let relay = relay()
        try publishAll(relay)
        #expect(try setAside() == ["lost"])
        let keys = try keys(on: "cdevents")
        #expect(keys.filter { $0 != "other" } == ["c", "before", "behind"])
        #expect(keys.contains("other"))
        try relay.close()
    }

    @Test func `a topic that a broker does not know for a moment has nothing set aside`() throws {
        try broker.createTopic("t.moment", partitions: 1)
        var configuration = configuration
        configuration.isTransactional = true
        configuration.kafka.properties = [
            "topic.metadata.refresh.interval.ms": "100", RelayConfiguration.propagation: "20000",
        ]
        let relay = RelayShards(configuration, owner: "relay", connection: connection, logger: configuration.logger)
        var sent = ["0"]
        try Self.put([.event("0", "1", on: "moment")], in: 2, on: connection)
        try publishAll(relay)
        try broker.setTopicError("t.moment", .unknownTopicOrPartition)
        _ = try eventually("the relay's producer hears of it") {
            if try waiting(in: 2) == 0 {
                let key = "\(sent.count)"
                try Self.put([.event(key, "1", on: "moment")], in: 2, on: connection)
                sent.append(key)
            }
            try turn(relay)
            return try relay.held[2]?.patience != nil || !setAside().isEmpty ? true : nil
        }
        try broker.setTopicError("t.moment", .none)
        try publishAll(relay)
        #expect(try setAside().isEmpty)
        #expect(try keys(on: "moment") == sent)
        try relay.close()
    }

    @Test func `a topic that may not be written for a while has nothing set aside, and its shard goes on in its order`()
        throws
    {
        try Self.put([.event("other", "1")], in: 4, on: connection)
        try Self.put([.event("last", "1")], on: connection)
        let relay = relay()
        try relay.visitLeases()
        // Each try of a transaction takes one of them.
        try broker.pushRequestErrors(
            .addPartitionsToTransaction,
            Array(repeating: .topicAuthorizationFailed, count: 8)
        )
        try publishAll(relay)
        #expect(try setAside().isEmpty)
        #expect(try keys(on: "cdevents").filter { $0 != "other" } == ["c", "last"])
        #expect(try keys(on: "instance.status").sorted() == ["a", "b"])
        try relay.close()
    }

    @Test func `what went out before a message that waits for its topic is not sent again with it`() throws {
        try broker.setTopicError("t.gone", .unknownTopicOrPartition)
        try Self.put([.event("before", "1"), .event("lost", "1", on: "gone"), .event("behind", "1")], on: connection)
        let relay = relay()
        let row = try connection.query("select max(id) from outbox").only().int64(0)
        _ = try eventually("the topic is waited with") {
            try turn(relay)
            return relay.held[3]?.patience != nil ? true : nil
        }
        let left = try connection.query("select messages from outbox where id = $1", [.int64(row)])
        #expect(try left.only().int32(0) == 2)
        try broker.setTopicError("t.gone", .none)
        try publishAll(relay)
        #expect(try keys(on: "cdevents") == ["c", "before", "behind"])
        try relay.close()
    }

    @Test func `a topic that the coordinator takes into no transaction is found without another producer`() throws {
        try Self.put([.event("other", "1")], in: 4, on: connection)
        let relay = relay(denied: .zero)
        try relay.visitLeases()
        let producer = try relay.producer()
        // Of what is sent together, of each shard's rows, and of the first shard's first message.
        try broker.pushRequestErrors(
            .addPartitionsToTransaction,
            Array(repeating: .topicAuthorizationFailed, count: 4)
        )
        try publishAll(relay)
        #expect(try setAside() == ["a"])
        let reasons = try connection.query("select reason from outbox_failed").map { try $0.string(0) }
        #expect(reasons.allSatisfy { $0.contains("TOPIC_AUTHORIZATION_FAILED") })
        #expect(try relay.producer() === producer)
        #expect(try keys(on: "cdevents").sorted() == ["c", "other"])
        #expect(try keys(on: "instance.status").sorted() == ["a", "b"])
        try relay.close()
    }

    @Test(arguments: [true, false])
    func `a topic without a leader holds its shard back and no other, and goes on in its order`(
        transactional: Bool
    ) throws {
        let place = KafkaTopicPartition(topic: "t.stuck", partition: 0)
        try broker.createTopic(place.topic, partitions: 1)
        try broker.setPartitionLeader(place, broker: nil)
        try Self.put([.event("first", "1", on: "stuck"), .event("second", "1", on: "stuck")], in: 2, on: connection)
        try Self.put([.event("behind", "1"), .event("third", "1", on: "stuck")], in: 2, on: connection)
        try Self.put([.event("other", "1")], in: 4, on: connection)
        let relay = relay(transactional: transactional, lease: .seconds(4))
        try relay.visitLeases()
        let first = try relay.producer()
        for key in ["later", "last"] {
            _ = try eventually("the other shard's rows") {
                try turn(relay)
                return try waiting(in: 4) == 0 ? true : nil
            }
            #expect(try waiting(in: 2) == 4)
            try Self.put([.event(key, "1")], in: 4, on: connection)
        }
        // A broker whose topic has no leader takes no other transaction of the producer that was to write to it.
        #expect(try relay.producer() !== first)
        try broker.setPartitionLeader(place, broker: 1)
        try publishAll(relay)
        #expect(try setAside().isEmpty)
        #expect(try keys(on: "stuck") == ["first", "second", "third"])
        let events = try keys(on: "cdevents")
        #expect(events.sorted() == ["behind", "c", "last", "later", "other"])
        #expect(events.filter { ["other", "later", "last"].contains($0) } == ["other", "later", "last"])
        try relay.close()
    }

    @Test func `a relay that cannot note which producer it goes on with holds nothing until it has leased anew`() throws
    {
        let relay = relay(lease: .seconds(2))
        try relay.visitLeases()
        #expect(relay.held.keys.contains(3))
        try connection.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'not now' using errcode = '40001'; end $$;
            create trigger refuse before update of producer on outbox_lease for each row
                when (new.producer is not null) execute function refuse()
            """
        )
        #expect(throws: PostgresError.self) { try relay.changeProducer() }
        #expect(relay.held.isEmpty)
        try connection.script("drop trigger refuse on outbox_lease")
        try publishAll(relay)
        #expect(try keys(on: "instance.status").sorted() == ["a", "b"])
        #expect(
            try connection.query("select producer from outbox_lease where shard = 3").only().string(0)
                == relay.producer().id
        )
        try relay.close()
    }
}
