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
    func `it is condemned after two lives, and what lies behind it is handled`() async throws {
        let url = try TestDatabase.make()
        let connection = try TestDatabase.connect(url)
        // As after lives that ended before they had marked anything.
        try connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, epoch, next_offset, claims_without_progress)
            values ('t.tester', 'things', 0, 2, 0, 1)
            """
        )
        for life: Int32 in 1...2 {
            let broker = try makeBroker()
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [brokers = broker.bootstrapServers as String, url = url as String] in
                try DeadlyHandler.lane(brokers: brokers, url: url, stop: StopSignal()).run()
            }
            let claim = try connection.query("select suspect_offset, suspect_lives from partition_claim").only()
            #expect(try claim.optionalInt64(0) == 0)
            #expect(try claim.int32(1) == life)
        }
        let (broker, stop) = (try makeBroker(), StopSignal())
        let brokers = broker.bootstrapServers
        let ended = Mutex<Result<Void, any Error>?>(nil)
        Thread.detachNewThread {
            let result = Result { try DeadlyHandler.lane(brokers: brokers, url: url, stop: stop).run() }
            ended.withLock { $0 = result }
        }
        _ = try eventually("both messages are settled", within: .seconds(60)) {
            try connection.query("select 1 from partition_claim where next_offset = 2").first
        }
        stop.request()
        try eventually("the lane's end", within: .seconds(60)) { ended.withLock { $0 } }.get()
        let claim = try connection.query("select applied, dead_lettered from partition_claim").only()
        #expect(try [claim.int64(0), claim.int64(1)] == [1, 1])
        let letter = try connection.query("select topic, convert_from(key, 'UTF8') from outbox_message").only()
        #expect(try [letter.string(0), letter.string(1)] == ["things.dlt", "deadly"])
    }
}

/// Ends its process when it decodes `deadly`.
private struct DeadlyHandler: Handler {
    static func lane(brokers: String, url: String, stop: StopSignal) throws -> Lane<DeadlyHandler> {
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
        return try Lane(configuration, name: "lane", handler: DeadlyHandler(), stop: stop, pulse: LanePulse())
    }

    func decode(_ message: KafkaMessageView) throws(Refusal) -> String {
        let text = message.key ?? ""
        if text == "deadly" { kill(getpid(), SIGKILL) }
        return text
    }

    func inboxKey(of input: String) -> InboxKey? { nil }

    func handle(_ batch: Batch<String>, in transaction: borrowing PostgresTransaction) throws {}
}
