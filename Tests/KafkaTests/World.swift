import Dispatch
import Foundation
import Kafka
import Testing

/// A mock cluster with one topic, for one test.
struct World: Sendable {
    let cluster: KafkaMockCluster
    let topic: String

    init(partitions: Int = 1, brokers: Int = 1) throws {
        cluster = try KafkaMockCluster(brokers: brokers)
        topic = "orders"
        try cluster.createTopic(topic, partitions: partitions)
    }

    func settings(_ properties: [String: String] = [:]) -> KafkaSettings {
        var settings = cluster.settings
        settings.properties = properties
        return settings
    }

    func place(_ partition: Int32 = 0) -> KafkaTopicPartition {
        KafkaTopicPartition(topic: topic, partition: partition)
    }

    /// A member whose session is as short as the mock cluster allows: it waits 3 s for the first members of a group.
    func consumer(_ properties: [String: String] = [:]) throws -> KafkaConsumer {
        var all = ["session.timeout.ms": "4000", "heartbeat.interval.ms": "200"]
        all.merge(properties) { _, given in given }
        return try KafkaConsumer(settings(all), group: "readers", topics: [topic])
    }

    /// Sends values with keys "0", "1" … and waits for their acknowledgement.
    func send(_ values: [String], partition: Int32 = 0) throws {
        let records = values.enumerated()
            .map { index, value in
                KafkaRecord(topic: topic, partition: partition, key: Array("\(index)".utf8), value: Array(value.utf8))
            }
        try send(records)
    }

    func send(_ records: [KafkaRecord], _ properties: [String: String] = [:]) throws {
        let producer = try KafkaProducer(settings(properties))
        for (index, record) in records.enumerated() { try producer.send(record, tag: UInt64(index)) }
        let deliveries = try producer.flush(timeout: .seconds(10))
        #expect(deliveries.compactMap(\.error).isEmpty)
        producer.close()
    }
}

/// Runs a test's blocking body on a thread of its own, so that tests wait side by side.
func onOwnThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withTaskExecutorPreference(OwnThreadExecutor()) { try body() }
}

private final class OwnThreadExecutor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread.detachNewThread { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

struct TimeLimitPassed: Error {
    let waitingFor: String
}

/// Repeats the body until it returns something.
func waitFor<R>(_ what: String, limit: Duration = .seconds(20), _ body: () throws -> R?) throws -> R {
    let clock = ContinuousClock()
    let end = clock.now.advanced(by: limit)
    while clock.now < end {
        if let result = try body() { return result }
    }
    throw TimeLimitPassed(waitingFor: what)
}
