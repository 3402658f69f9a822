import CoreMetrics
import Kafka
import Logging
import Postgres

/// One shard of the outbox under a lease: its rows leave in the order of their ids.
final class RelayShard {
    let number: Int
    let epoch: Int64
    private let configuration: RelayConfiguration
    private let metrics: RelayMetrics
    private let logger: Logger
    private let producer: KafkaProducer
    private var isAlone = false
    private var underWay: Batch?
    /// Keys of compacted topics whose states were handed to the producer since the shard was last seen to be held.
    ///
    /// Whoever gives the shard up marks them: another owner may publish newer states before these arrive.
    private(set) var inFlight: Set<OutboxKey> = []

    /// Rows that were handed to the producer.
    private struct Batch {
        let rows: [OutboxRow]
        let leaving: [OutboxRow]
        var failure: KafkaError?
    }

    /// Makes the shard's producer; with a transactional one the broker fences the former owner here.
    init(_ number: Int, epoch: Int64, configuration: RelayConfiguration, metrics: RelayMetrics, logger: Logger) throws {
        self.number = number
        self.epoch = epoch
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        let id = "\(configuration.topicPrefix)outbox-\(number)"
        // A batch is handed over at once, so there is little to wait for before it is sent.
        var kafka = configuration.kafka
        if kafka.properties["linger.ms"] == nil { kafka.properties["linger.ms"] = "0.5" }
        producer = try KafkaProducer(kafka, transactionalID: configuration.isTransactional ? id : nil)
        if configuration.isTransactional { try producer.initTransactions(timeout: .seconds(30)) }
    }

    /// The most rows to read.
    ///
    /// After a permanent error of one row, the rows of a batch are sent one at a time until the bad one is found.
    var limit: Int { isAlone ? 1 : configuration.batchRows }

    /// Hands rows to the producer; ``complete(on:)`` follows.
    func begin(_ rows: [OutboxRow]) throws {
        let newest = newestOfCoalescing(rows)
        let leaving = rows.enumerated().filter { newest[$0.offset] }.map(\.element)
        if configuration.isTransactional { try producer.beginTransaction() }
        inFlight.formUnion(leaving.lazy.filter(\.coalesces).map(\.identity))
        underWay = Batch(rows: rows, leaving: leaving, failure: try enqueue(leaving))
    }

    /// Waits for the broker's word on the batch that was begun.
    ///
    /// - Returns: The rows that the broker has, which are to be deleted; ``settle(isHeld:on:)`` follows. `nil` after a
    ///   permanent failure.
    func complete(on connection: PostgresConnection) throws -> PublishedRows? {
        guard let batch = underWay else { return nil }
        if let failure = try end(batch) {
            underWay = nil
            guard batch.leaving.count == 1, let row = batch.leaving.first else {
                isAlone = true
                return nil
            }
            try setAside(row, failure, on: connection)
            return nil
        }
        isAlone = false
        TestSignal.afterPublish.reach()
        return PublishedRows(epoch: epoch, ids: batch.rows.map(\.id))
    }

    /// Counts the batch after its rows were deleted, or repairs what another owner may have overtaken.
    ///
    /// If the shard is no longer held, the new owner may have published newer states before these came: a broker that
    /// does not fence has then an old one as a key's last word. So the keys are marked, and their newest state is sent
    /// again.
    func settle(isHeld: Bool, on connection: PostgresConnection) throws {
        guard let batch = underWay else { return }
        underWay = nil
        metrics.published.increment(by: batch.leaving.count)
        metrics.coalesced.increment(by: batch.rows.count - batch.leaving.count)
        guard !isHeld else {
            inFlight = []
            return
        }
        metrics.fenced.increment()
        try RepublishMarks.insert(Array(inFlight), on: connection)
        inFlight = []
        logger.warning(
            "the shard has another owner, who publishes its rows again",
            metadata: [LogKey.shard: "\(number)"]
        )
    }

    func close() {
        producer.close()
    }

    /// Of several states of one key only the newest leaves, where the topic is compacted.
    private func newestOfCoalescing(_ rows: [OutboxRow]) -> [Bool] {
        var leaves = [Bool](repeating: true, count: rows.count)
        var seen: Set<OutboxKey> = []
        for (index, row) in rows.enumerated().reversed() where row.coalesces {
            leaves[index] = seen.insert(row.identity).inserted
        }
        return leaves
    }

    /// Waits for the broker's word on each message; returns the first permanent failure.
    private func end(_ batch: Batch) throws -> KafkaError? {
        let failure = try batch.failure ?? waitForDeliveries()
        guard configuration.isTransactional else { return failure }
        if failure != nil {
            try producer.abortTransaction(timeout: .seconds(30))
        } else {
            try producer.commitTransaction(timeout: .seconds(30))
        }
        return failure
    }

    private func enqueue(_ rows: [OutboxRow]) throws -> KafkaError? {
        for (index, row) in rows.enumerated() {
            let record = row.record(prefix: configuration.topicPrefix)
            while let error = refusal(of: record, tag: UInt64(index)) {
                if error.isPermanentForMessage { return error }
                guard error.isQueueFull else { throw error }
                if let failure = try permanentFailure(in: producer.poll(timeout: .milliseconds(20))) { return failure }
            }
        }
        return nil
    }

    private func refusal(of record: KafkaRecord, tag: UInt64) -> KafkaError? {
        do {
            try producer.send(record, tag: tag)
            return nil
        } catch {
            return error
        }
    }

    private func waitForDeliveries() throws -> KafkaError? {
        let end = ContinuousClock.now + .seconds(60)
        while producer.outstanding > 0 {
            if let failure = try permanentFailure(in: producer.poll(timeout: .milliseconds(20))) { return failure }
            guard ContinuousClock.now < end else {
                throw KafkaError(.timedOut, operation: "publish", reason: "the broker did not answer in time")
            }
        }
        return nil
    }

    /// The first failure that no repetition mends; one that may pass is thrown.
    private func permanentFailure(in deliveries: [KafkaDelivery]) throws -> KafkaError? {
        for delivery in deliveries {
            guard let error = delivery.error else { continue }
            guard error.isPermanentForMessage else { throw error }
            return error
        }
        return nil
    }

    /// Moves a row that the broker will never take out of the way of those behind it.
    private func setAside(_ row: OutboxRow, _ error: KafkaError, on connection: PostgresConnection) throws {
        logger.error("a message cannot be delivered: \(error)", metadata: [LogKey.topic: "\(row.topic)"])
        metrics.failed.increment()
        _ = try connection.query(
            """
            with gone as (
                delete from outbox o using outbox_lease l
                where l.shard = $1 and l.epoch = $2 and o.shard = $1 and o.id = $3
                returning o.id, o.topic, o.key, o.headers, o.value
            )
            insert into outbox_failed (id, topic, key, headers, value, reason_code, reason)
            select id, topic, key, headers, value, 'not_deliverable', $4 from gone
            """,
            [.int32(Int32(number)), .int64(epoch), .int64(row.id), .text("\(error)")]
        )
        isAlone = false
    }
}
