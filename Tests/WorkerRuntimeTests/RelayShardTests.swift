import Foundation
import Kafka
import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import WorkerRuntime

/// What a relay does with rows whose shard another relay has taken meanwhile.
@Suite struct RelayShardTests {
    private let broker: KafkaMockCluster
    private let connection: PostgresConnection
    private let configuration: RelayConfiguration
    private let shard: RelayShard

    init() throws {
        broker = try KafkaMockCluster()
        for topic in ["instance.status", "cdevents"] { try broker.createTopic("t." + topic, partitions: 1) }
        let url = try TestDatabase.make()
        connection = try TestDatabase.connect(url)
        try connection.script(
            """
            update outbox_lease set epoch = 5 where shard = 3;
            insert into outbox (shard, topic, key, headers, value, coalesces) values
                (3, 'instance.status', 'a', '', '1', true), (3, 'cdevents', 'c', '', '1', false),
                (3, 'instance.status', 'b', '', '1', true), (3, 'instance.status', 'a', '', '2', true)
            """
        )
        var configuration = RelayConfiguration(
            topicPrefix: "t.",
            kafka: broker.settings,
            database: PostgresConfiguration(url: url),
            logger: Logger(label: "test")
        )
        // The mock does not fence, as some brokers do not: what is marked repairs that.
        configuration.isTransactional = false
        configuration.kafka.properties["message.timeout.ms"] = "2000"
        self.configuration = configuration
        shard = try RelayShard(
            3,
            epoch: 5,
            configuration: configuration,
            metrics: RelayMetrics(),
            logger: configuration.logger
        )
    }

    private func marks() throws -> [String] {
        try connection.query("select topic || ' ' || convert_from(key, 'UTF8') from outbox_republish order by 1")
            .map { try $0.string(0) }
    }

    /// Hands the shard's rows to the producer; returns whether there were any.
    private func begin() throws -> Bool {
        let found = try OutboxRows(connection: connection).read([3: shard.limit])[3] ?? []
        try shard.begin(found)
        return !found.isEmpty
    }

    /// Waits for the broker, deletes what it has, and settles, as the relay's lane does.
    private func complete() throws {
        let published = try #require(try shard.complete(on: connection))
        let held = try OutboxRows(connection: connection).delete([3: published])
        try shard.settle(isHeld: held.contains(3), on: connection)
    }

    @Test func `a relay that lost its shard after publishing deletes nothing and marks the compacted keys`() throws {
        #expect(try begin())
        try connection.script("update outbox_lease set epoch = 6 where shard = 3")
        try complete()
        #expect(try marks() == ["instance.status a", "instance.status b"])
        #expect(try connection.query("select 1 from outbox").count == 4)
        #expect(try begin())
        try complete()
        #expect(try marks().count == 2, "a key is marked once")
        shard.close()
    }

    @Test func `a relay whose producer fails knows the compacted keys under way, and deletes nothing`() throws {
        #expect(try begin())
        try broker.setBrokerDown()
        #expect(throws: KafkaError.self) { try shard.complete(on: connection) }
        #expect(shard.inFlight.map { String(decoding: $0.key, as: UTF8.self) }.sorted() == ["a", "b"])
        #expect(try connection.query("select 1 from outbox").count == 4)
    }

    @Test func `a relay that holds its shard marks nothing`() throws {
        #expect(try begin())
        try complete()
        #expect(try marks().isEmpty)
        #expect(try connection.query("select 1 from outbox").count == 0)
        shard.close()
    }

    @Test func `a batch whose rows could not be deleted is marked when its shard turns out to be lost`() throws {
        #expect(try begin())
        _ = try #require(try shard.complete(on: connection))
        // The database went away before the deletion; meanwhile the rows are published and deleted by another owner.
        try connection.script(
            """
            delete from outbox;
            insert into outbox (shard, topic, key, headers, value, coalesces)
                values (3, 'instance.status', 'later', '', '1', true);
            update outbox_lease set epoch = 6 where shard = 3
            """
        )
        #expect(try begin())
        try complete()
        #expect(try marks() == ["instance.status a", "instance.status b", "instance.status later"])
        shard.close()
    }

    @Test func `a relay whose producer ended for good marks what was on its way and publishes on`() throws {
        var configuration = configuration
        configuration.isTransactional = true
        let (relay, stop) = (configuration, StopSignal())
        let invalidProducerEpoch = KafkaError.Code(rawValue: 47)
        try broker.pushRequestErrors(.endTransaction, [invalidProducerEpoch])
        let ended = Mutex<Result<Void, any Error>?>(nil)
        Thread.detachNewThread {
            let result = Result {
                try OutboxRelayLane(relay, name: "relay", stop: stop, pulse: LanePulse()).run()
            }
            ended.withLock { $0 = result }
        }
        _ = try eventually("an empty outbox") {
            try connection.query("select 1 from outbox").isEmpty ? true : nil
        }
        #expect(try marks() == ["instance.status a", "instance.status b"])
        #expect(try connection.query("select 1 from outbox_failed").isEmpty)
        stop.request()
        let result = try eventually("the relay's end") { ended.withLock { $0 } }
        #expect(throws: Never.self) { try result.get() }
        #expect(try connection.query("select 1 from outbox_lease where owner is not null").isEmpty)
        shard.close()
    }

    @Test func `a row that the broker will never take is set aside, and those behind it go out`() throws {
        try connection.script(
            """
            insert into outbox (shard, topic, key, headers, value, coalesces) values
                (3, 'cdevents', 'large', '', decode(repeat('00', 2000000), 'hex'), false),
                (3, 'cdevents', 'small', '', '1', false)
            """
        )
        let found = { try OutboxRows(connection: connection).read([3: shard.limit])[3] ?? [] }
        _ = try eventually("an empty outbox") { () throws -> Bool? in
            let rows = try found()
            guard !rows.isEmpty else { return true }
            try shard.begin(rows)
            if let published = try shard.complete(on: connection) {
                let held = try OutboxRows(connection: connection).delete([3: published])
                try shard.settle(isHeld: held.contains(3), on: connection)
            }
            return nil
        }
        let failed = try connection.query("select convert_from(key, 'UTF8'), reason_code from outbox_failed").only()
        #expect(try failed.string(0) == "large")
        #expect(try failed.string(1) == "not_deliverable")
        shard.close()
    }

    @Test func `a mark is taken by one and back after a rollback`() throws {
        try RepublishMarks.insert(
            ["a", "b", "c"].map { OutboxKey(topic: "instance.status", key: Array($0.utf8)) },
            on: connection
        )
        struct Undo: Error {}
        #expect(throws: Undo.self) {
            try connection.transaction { (transaction: borrowing PostgresTransaction) in
                let taken = try RepublishMarks.take(limit: 2, in: transaction)
                #expect(taken.count == 2)
                throw Undo()
            }
        }
        let taken = try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try RepublishMarks.take(limit: 10, in: transaction)
        }
        #expect(taken.count == 3)
        #expect(try marks().isEmpty)
    }
}
