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
    let broker: KafkaMockCluster
    let connection: PostgresConnection
    let configuration: RelayConfiguration
    let shards: RelayShards

    init() throws {
        broker = try KafkaMockCluster()
        for topic in ["instance.status", "cdevents"] { try broker.createTopic("t." + topic, partitions: 1) }
        let url = try TestDatabase.make()
        connection = try TestDatabase.connect(url)
        try connection.script("update outbox_lease set epoch = 5 where shard = 3")
        try Self.put([.status("a", "1"), .event("c", "1")], on: connection)
        try Self.put([.status("b", "1"), .status("a", "2")], on: connection)
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
        shards = RelayShards(configuration, owner: "test", connection: connection, logger: configuration.logger)
        shards.held[3] = RelayShard(epoch: 5)
    }

    /// Puts messages into one row of a shard.
    static func put(_ records: [OutboxRecord], in shard: Int32 = 3, on connection: PostgresConnection) throws {
        var content = OutboxContent()
        for record in records { content.append(record) }
        try connection.query(
            "insert into outbox (shard, messages, content) values ($1, $2, $3)",
            [.int32(shard), .int32(Int32(content.count)), .bytes(content.bytes)]
        )
    }

    func waiting() throws -> Int64 {
        try connection.query("select coalesce(sum(messages), 0)::bigint from outbox").only().int64(0)
    }

    private func marks() throws -> [String] {
        try connection.query("select topic || ' ' || convert_from(key, 'UTF8') from outbox_republish order by 1")
            .map { try $0.string(0) }
    }

    /// Sends what waits in the shard.
    private func send() throws -> [Int: RelayShards.Published] {
        try shards.send(try shards.rows.read([3: 100]).mapValues(\.rows))
    }

    @Test func `a relay that lost its shard after publishing deletes nothing and marks the compacted keys`() throws {
        let published = try send()
        try connection.script("update outbox_lease set epoch = 6 where shard = 3")
        try shards.settle(published)
        #expect(try marks() == ["instance.status a", "instance.status b"])
        #expect(try waiting() == 4)
        try shards.settle(try send())
        #expect(try marks().count == 2, "a key is marked once")
        try shards.close()
    }

    @Test func `only the delete of what was published does without the disk, leases do not`() throws {
        try connection.script("set synchronous_commit = on")
        try shards.settle(try send())
        #expect(try waiting() == 0)
        #expect(try connection.query("show synchronous_commit").only().string(0) == "on")
        try shards.close()
    }

    @Test func `a relay whose producer fails marks the compacted keys under way, and deletes nothing`() throws {
        _ = try shards.producer()
        try broker.setBrokerDown()
        let error = try #require(throws: KafkaError.self) { try send() }
        try shards.startAnew(after: error)
        #expect(try marks() == ["instance.status a", "instance.status b"])
        #expect(try waiting() == 4)
    }

    @Test func `a relay that holds its shard marks nothing`() throws {
        try shards.settle(try send())
        #expect(try marks().isEmpty)
        #expect(try waiting() == 0)
        try shards.close()
        #expect(try marks().isEmpty)
    }

    @Test func `a batch whose rows could not be deleted is marked when its shard turns out to be lost`() throws {
        _ = try send()
        // The database went away before the deletion; meanwhile the rows are published and deleted by another owner.
        try connection.script(
            """
            delete from outbox;
            update outbox_lease set epoch = 6 where shard = 3
            """
        )
        try Self.put([.status("later", "1")], on: connection)
        try shards.settle(try send())
        #expect(try marks() == ["instance.status a", "instance.status b", "instance.status later"])
        try shards.close()
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
        #expect(
            try connection.query("select 1 from outbox_lease where owner is not null or producer is not null").isEmpty
        )
    }

    @Test(.timeLimit(.minutes(1)))
    func `a relay that is asked to stop gives a broker up that is away, and its rows stay`() throws {
        let stop = StopSignal()
        var configuration = configuration
        configuration.brokerPatience = .seconds(3600)
        configuration.kafka.properties["message.timeout.ms"] = "3600000"
        let relay = RelayShards(
            configuration,
            owner: "test",
            connection: connection,
            logger: configuration.logger,
            stop: stop
        )
        relay.held[3] = RelayShard(epoch: 5)
        _ = try relay.producer()
        try broker.setBrokerDown()
        stop.request()
        let error = #expect(throws: KafkaError.self) { _ = try relay.publish() }
        #expect(error?.code == .timedOut)
        try relay.close()
        #expect(try waiting() == 4)
    }

    @Test func `a shard that is taken over names its new producer only after the former one was refused`() throws {
        var configuration = configuration
        configuration.isTransactional = true
        try connection.script(
            "update outbox_lease set owner = 'gone', producer = 't.outbox-gone' where shard in (3, 4)"
        )
        let relay = RelayShards(configuration, owner: "next", connection: connection, logger: configuration.logger)
        try broker.setBrokerDown()
        var settings = configuration
        settings.brokerPatience = .seconds(1)
        let away = RelayShards(settings, owner: "away", connection: connection, logger: configuration.logger)
        let names = {
            try connection.query("select producer from outbox_lease where shard = 3").only().optionalString(0)
        }
        try away.visitLeases()
        #expect(away.held.isEmpty)
        #expect(try names() == "t.outbox-gone")
        try broker.setBrokerUp()
        try relay.visitLeases()
        #expect(relay.held[3] != nil)
        #expect(try names() == relay.producer().id)
        #expect(try relay.publish())
        try relay.close()
        #expect(try names() == nil)
    }

    @Test func `a message that the broker will never take is set aside, and those of its row and behind it go out`()
        throws
    {
        try Self.put([.event("before", "1"), .large("large"), .event("small", "1")], on: connection)
        try Self.put([.event("last", "1")], on: connection)
        shards.latestRound = RelayPace.many
        _ = try eventually("an empty outbox") {
            let isAlone = shards.held[3]?.isAlone == true
            guard try shards.publish() else { return true }
            if isAlone { #expect(shards.latestRound == 0, "the relay rests after each of them") }
            return nil
        }
        let failed = try connection.query("select convert_from(key, 'UTF8'), reason_code from outbox_failed").only()
        #expect(try failed.string(0) == "large")
        #expect(try failed.string(1) == "not_deliverable")
        #expect(shards.held[3]?.isAlone == false)
        let reader = try KafkaReader(broker.settings)
        try reader.read(["t.cdevents"], fromBeginning: true)
        var keys: [String] = []
        while keys.last != "last" { keys.append(try #require(try reader.next(timeout: .seconds(10))?.key)) }
        reader.close()
        // What went out before the refusal comes once more, because this producer has no transactions.
        var told: Set<String> = []
        #expect(keys.filter { told.insert($0).inserted } == ["c", "before", "small", "last"])
        try shards.close()
    }

    @Test func `a row of a form that this version does not read stays, keeps its shard waiting, and not the others`()
        throws
    {
        let row = try connection.query(
            "insert into outbox (shard, messages, content) values (3, 1, 'newer') returning id"
        ).only().int64(0)
        try Self.put([.event("behind", "1")], on: connection)
        var content = OutboxContent()
        content.append(.event("other", "1"))
        try connection.query("insert into outbox (shard, messages, content) values (4, 1, $1)", [.bytes(content.bytes)])
        try connection.script("update outbox_lease set epoch = 5 where shard = 4")
        shards.held[4] = RelayShard(epoch: 5)
        while try shards.publish() {}
        let left = try connection.query("select id from outbox where shard = 3 order by id").map { try $0.int64(0) }
        #expect(left == [row, row + 1])
        #expect(try connection.query("select 1 from outbox where shard = 4").isEmpty)
        #expect(shards.held[3]?.wantsOneRow == true, "what lies behind it is not read again and again")
        try connection.query("delete from outbox where id = $1", [.int64(row)])
        while try shards.publish() {}
        #expect(try waiting() == 0)
        #expect(shards.held[3]?.wantsOneRow == false)
        try shards.close()
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

extension OutboxRecord {
    /// A state on a compacted topic.
    static func status(_ key: String, _ value: String) -> OutboxRecord {
        var record = OutboxRecord(
            topic: "instance.status",
            key: Array(key.utf8),
            headers: [],
            value: Array(value.utf8)
        )
        record.coalesces = true
        return record
    }

    /// An event that always leaves.
    static func event(_ key: String, _ value: String, on topic: String = "cdevents") -> OutboxRecord {
        OutboxRecord(topic: topic, key: Array(key.utf8), headers: [], value: Array(value.utf8))
    }

    /// An event that is larger than the broker takes.
    static func large(_ key: String) -> OutboxRecord {
        OutboxRecord(topic: "cdevents", key: Array(key.utf8), headers: [], value: Array(repeating: 0, count: 2_000_000))
    }
}
