import Dispatch
import Foundation
import Kafka
import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import WorkerRuntime

/// A message that ends its worker while it is decoded, before there is any transaction.
@Suite struct DeadlyDecodeTests {
    /// A broker with the messages for each life: so none waits for the end of the former one's membership.
    private func makeBroker() throws -> KafkaMockCluster {
        let broker = try KafkaMockCluster()
        try broker.createTopic("t.things", partitions: 1)
        let producer = try KafkaProducer(broker.settings)
        for value in ["deadly", "harmless"].map({ Array($0.utf8) }) {
            try producer.send(KafkaRecord(topic: "t.things", partition: 0, key: value, value: value), tag: 0)
        }
        _ = try producer.flush(timeout: .seconds(30))
        producer.close()
        return broker
    }

    @Test(.timeLimit(.minutes(5)))
    func `it is condemned after two lives, and what lies behind it is handled`() throws {
        let url = try TestDatabase.make()
        let connection = try TestDatabase.connect(url)
        let id = UUID().uuidString.prefix(8).lowercased()
        // As after lives that ended before they had marked anything.
        try connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, epoch, next_offset, claims_without_progress)
            values ('t.tester', 'things', 0, 2, 0, 1)
            """
        )
        for number: Int32 in 1...2 {
            let role = "life_\(number)_\(id)"
            try connection.script("create role \(role) login superuser password 'secret'")
            let place = try #require(url.split(separator: "@").last)
            let life = Life(try makeBroker(), url: "postgresql://\(role):secret@\(place)")
            _ = try eventually("it is decoded", within: .seconds(60)) { life.death.isReached ? true : nil }
            // What the server sees of a process that ends: its session is over, nothing more comes from it.
            try connection.script(
                """
                alter role \(role) nologin;
                select pg_terminate_backend(pid) from pg_stat_activity where usename = '\(role)'
                """
            )
            life.end()
            let claim = try connection.query("select suspect_offset, suspect_lives from partition_claim").only()
            #expect(try claim.optionalInt64(0) == 0)
            #expect(try claim.int32(1) == number)
        }
        let survivor = Life(try makeBroker(), url: url)
        _ = try eventually("both messages are settled", within: .seconds(60)) {
            try connection.query("select 1 from partition_claim where next_offset = 2").first
        }
        survivor.stop.request()
        try eventually("the lane's end", within: .seconds(60)) { survivor.ended.withLock { $0 } }.get()
        let claim = try connection.query("select applied, dead_lettered from partition_claim").only()
        #expect(try [claim.int64(0), claim.int64(1)] == [1, 1])
        let letter = try connection.query("select topic, convert_from(key, 'UTF8') from outbox_message").only()
        #expect(try [letter.string(0), letter.string(1)] == ["things.dlt", "deadly"])
    }
}

/// A worker's life: a lane on a thread of its own, and a broker of its own.
private final class Life: Sendable {
    let death = Death()
    let stop = StopSignal()
    let ended = Mutex<Result<Void, any Error>?>(nil)
    private let broker: KafkaMockCluster

    init(_ broker: KafkaMockCluster, url: String) {
        self.broker = broker
        let brokers = broker.bootstrapServers
        Thread.detachNewThread { [self] in
            let result = Result {
                try DeadlyHandler.lane(brokers: brokers, url: url, death: death, stop: stop).run()
            }
            ended.withLock { $0 = result }
        }
    }

    /// Lets the thread go that stood still: what it held of the process is free, as after a process's end.
    func end() {
        stop.request()
        death.end()
    }
}

/// Where a lane's thread stands still until the server has lost it.
private final class Death: Sendable {
    private let reached = Mutex(false)
    private let over = DispatchSemaphore(value: 0)

    var isReached: Bool { reached.withLock { $0 } }

    func reach() {
        reached.withLock { $0 = true }
        over.wait()
    }

    func end() { over.signal() }
}

/// Ends when it decodes `deadly`.
private struct DeadlyHandler: Handler {
    let death: Death

    static func lane(
        brokers: String,
        url: String,
        death: Death,
        stop: StopSignal
    ) throws -> Lane<DeadlyHandler> {
        var kafka = KafkaSettings(bootstrapServers: brokers)
        kafka.properties["session.timeout.ms"] = "6000"
        let configuration = LaneConfiguration(
            worker: "tester",
            topic: "things",
            topicPrefix: "t.",
            kafka: kafka,
            database: PostgresConfiguration(url: url),
            logger: Logger(label: "test")
        )
        return try Lane(
            configuration,
            name: "lane",
            handler: DeadlyHandler(death: death),
            stop: stop,
            pulse: LanePulse()
        )
    }

    func decode(_ message: KafkaMessageView) throws(Refusal) -> String {
        let text = message.key ?? ""
        if text == "deadly" { death.reach() }
        return text
    }

    func inboxKey(of input: String) -> InboxKey? { nil }

    func handle(_ batch: Batch<String>, in transaction: borrowing PostgresTransaction) throws {}
}
