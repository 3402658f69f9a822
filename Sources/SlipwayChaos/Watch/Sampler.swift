import FleetCheck
import Foundation
import Kafka
import Postgres
import Synchronization

/// Looks every second at numbers that must only rise, on a thread of its own.
final class Sampler: Sendable {
    private let url: String
    private let kafka: KafkaSettings
    private let record: LineWriter<RecordLine>
    private let isStopping = Atomic(false)
    private let count = Atomic(0)

    init(url: String, kafka: KafkaSettings, record: LineWriter<RecordLine>) {
        (self.url, self.kafka, self.record) = (url, kafka, record)
    }

    /// How many samples were taken.
    var samples: Int { count.load(ordering: .relaxed) }

    func start() {
        Thread.detachNewThread { [self] in
            let session = SamplingSession(url: url, kafka: kafka)
            while !isStopping.load(ordering: .relaxed) {
                // A database or a broker that is away is what the run is about: the next second tells.
                if let sample = try? session.sample(), (try? record.write(RecordLine(sample: sample))) != nil {
                    count.add(1, ordering: .relaxed)
                }
                Thread.sleep(forTimeInterval: 1)
            }
            session.close()
        }
    }

    func stop() { isStopping.store(true, ordering: .relaxed) }
}

/// What the sampler's thread alone uses.
private final class SamplingSession {
    private let url: String
    private let kafka: KafkaSettings
    private var connection: PostgresConnection?
    private var consumers: [String: KafkaConsumer] = [:]
    private var partitions: [String: [KafkaTopicPartition]] = [:]

    init(url: String, kafka: KafkaSettings) {
        (self.url, self.kafka) = (url, kafka)
    }

    func sample() throws -> Sample {
        do {
            // First what was committed, then the claims: in between, both can only rise.
            return try read(committed: try? committedOffsets())
        } catch {
            connection?.close()
            connection = nil
            throw error
        }
    }

    func close() {
        connection?.close()
        for consumer in consumers.values { _ = consumer.close(deadline: .seconds(1)) }
    }

    private func read(committed: [String: Int64]?) throws -> Sample {
        let connection = try connection ?? PostgresConnection(PostgresConfiguration(url: url))
        self.connection = connection
        var rising: [String: Int64] = [:]
        var claimed: [String: Int64] = [:]
        var partitions: [String: [KafkaTopicPartition]] = [:]
        for row in try connection.query(
            "select consumer_group, topic, partition, epoch, next_offset from partition_claim"
        ) {
            let (group, topic, partition) = (
                try row.string(0), ChaosWorld.prefix + (try row.string(1)), try row.int32(2)
            )
            let name = "\(group) \(topic)-\(partition)"
            rising["claim \(name) epoch"] = try row.int64(3)
            claimed[name] = try row.int64(4)
            rising["claim \(name) offset"] = claimed[name]
            partitions[group, default: []].append(KafkaTopicPartition(topic: topic, partition: partition))
        }
        self.partitions = partitions
        for row in try connection.query(Self.counters) { rising[try row.string(0)] = try row.int64(1) }
        return Sample(
            at: Int64(Date().timeIntervalSince1970 * 1000),
            rising: rising,
            // A broker that is away does not hide the database.
            committed: committed ?? [:],
            claimed: claimed
        )
    }

    private func committedOffsets() throws -> [String: Int64] {
        var offsets: [String: Int64] = [:]
        for (group, partitions) in partitions {
            let consumer = try consumers[group] ?? KafkaConsumer(kafka, group: group, topics: [])
            consumers[group] = consumer
            for position in try consumer.committed(partitions, timeout: .seconds(3)) {
                offsets["\(group) \(position.topicPartition)"] = position.offset
            }
        }
        return offsets
    }

    private static let counters = """
        select 'stream ' || cluster || '/' || namespace, epoch * 1000000000 + sequence from resource_stream
        union all select 'cluster ' || cluster || ' epoch', epoch from cluster
        union all select 'cluster ' || cluster || ' revision', revision from cluster
        union all select 'environment ' || id || ' revision', revision from environment
        union all select 'instance ' || id || ' revision', revision from instance
        union all select 'instance ' || id || ' generation', generation from instance
        union all select 'object ' || id || ' revision', revision from environment_object
        union all select 'object ' || id || ' generation', generation from environment_object
        """
}
