import Foundation
import Kafka

/// The producer of one relay: what it is given goes out as one Kafka transaction, whichever shards it is from.
///
/// Its `transactional.id` has one purpose. Whoever takes a shard over has the broker refuse the producer that held it
/// before, so what a stopped former owner still holds can never become a compacted topic's last word.
final class RelayProducer {
    /// What became of a batch.
    enum Outcome {
        /// The broker has all of it.
        case published
        /// One message will never be accepted; with a transactional producer nothing of the batch is there.
        case refused(KafkaError)
    }

    /// What the broker knows the producer by; `nil` if it is not transactional.
    let id: String?
    /// Whether it must be made anew: nobody knows what the broker has of what it was given, or it can do no more.
    private(set) var isSpent = false
    private let producer: KafkaProducer
    private var topics: TopicNames
    private let longest: Duration
    private let stop: StopSignal
    /// How long a relay that was asked to stop waits for a broker that is away: less than orchestrators wait for it.
    private static let lastPatience = Duration.seconds(5)

    /// Makes a producer that the broker has not seen before.
    ///
    /// - Parameter stop: When it is requested, a broker that is away is not waited for much longer.
    init(_ configuration: RelayConfiguration, stop: StopSignal) throws(KafkaError) {
        self.stop = stop
        // A batch is handed over at once, so there is little to wait for before it is sent.
        var kafka = configuration.kafka
        if kafka.properties["linger.ms"] == nil { kafka.properties["linger.ms"] = "0.5" }
        id =
            configuration.isTransactional ? "\(configuration.topicPrefix)outbox-\(UUID().uuidString.lowercased())" : nil
        longest = configuration.brokerPatience
        topics = TopicNames(prefix: configuration.topicPrefix)
        producer = try KafkaProducer(kafka, transactionalID: id)
        if id != nil { try producer.initTransactions(timeout: patience) }
    }

    /// Has the broker refuse whatever the producer of this id still sends; blocks until the broker has answered.
    static func fence(_ id: String, _ configuration: RelayConfiguration) throws(KafkaError) {
        let successor = try KafkaProducer(configuration.kafka, transactionalID: id)
        defer { successor.close() }
        try successor.initTransactions(timeout: configuration.brokerPatience)
    }

    private var patience: Duration { stop.isRequested ? min(longest, Self.lastPatience) : longest }

    private func patience(before leaseEnd: ContinuousClock.Instant) -> Duration {
        max(.milliseconds(1), min(patience, leaseEnd - .now))
    }

    /// Sends a batch in its order and waits for the broker's word, about a minute at most.
    ///
    /// Whatever comes of it, nothing of it is left that the next batch could be told of; if that cannot be, the producer
    /// is spent.
    ///
    /// - Parameter leaseEnd: When the shards may be another relay's: what the broker does not have by then must not go
    ///   out any more, because newer states of the same keys may be there first.
    /// - Throws: ``KafkaError`` if nobody knows what the broker has; then the producer is of no more use.
    func publish(_ messages: [OutboxMessage], before leaseEnd: ContinuousClock.Instant) throws(KafkaError) -> Outcome {
        try check(leaseEnd)
        if id != nil { try producer.beginTransaction() }
        var refusal = try enqueue(messages, before: leaseEnd)
        if refusal == nil { refusal = try waitForDeliveries(before: leaseEnd) }
        guard let reason = refusal else {
            if id != nil { try producer.commitTransaction(timeout: patience(before: leaseEnd)) }
            return .published
        }
        if id == nil { waitForOthers(before: leaseEnd) } else { abort(before: leaseEnd) }
        return .refused(reason)
    }

    /// Drops what was not published; blocks about two seconds at most.
    func close() {
        producer.close()
    }

    // MARK: Steps

    private func enqueue(
        _ messages: [OutboxMessage],
        before leaseEnd: ContinuousClock.Instant
    ) throws(KafkaError) -> KafkaError? {
        for message in messages {
            while let error = refusal(of: message) {
                if error.isPermanentForMessage { return error }
                guard error.isQueueFull else { throw error }
                if let failure = try permanentFailure(in: producer.poll(timeout: .milliseconds(20))) { return failure }
                try check(leaseEnd)
            }
        }
        return nil
    }

    private func refusal(of message: OutboxMessage) -> KafkaError? {
        do throws(KafkaError) {
            try message.withParts { (parts) throws(KafkaError) in
                let lent = KafkaLentRecord(
                    topic: topics.name(of: parts.topic),
                    key: parts.key.isEmpty ? nil : parts.key,
                    value: parts.value
                )
                try producer.send(lent, tag: 0) { headers in
                    _ = HeaderBytes.forEach(in: parts.headers) { headers.add($0, $1) }
                }
            }
            return nil
        } catch {
            return error
        }
    }

    private func waitForDeliveries(before leaseEnd: ContinuousClock.Instant) throws(KafkaError) -> KafkaError? {
        var end = min(leaseEnd, .now + longest * 2)
        var isLast = false
        while producer.outstanding > 0 {
            if stop.isRequested, !isLast { (isLast, end) = (true, min(end, .now + Self.lastPatience)) }
            if let failure = try permanentFailure(in: producer.poll(timeout: .milliseconds(20))) { return failure }
            try check(end)
        }
        return nil
    }

    /// Aborts the transaction, and takes the reports of its messages, all of which say that they were dropped.
    private func abort(before leaseEnd: ContinuousClock.Instant) {
        do throws(KafkaError) {
            try producer.abortTransaction(timeout: patience(before: leaseEnd))
            while producer.outstanding > 0 {
                try check(leaseEnd)
                _ = producer.poll(timeout: .milliseconds(20))
            }
        } catch {
            isSpent = true
        }
    }

    /// Waits for what was sent beside a message that was refused: without a transaction it goes out all the same.
    private func waitForOthers(before leaseEnd: ContinuousClock.Instant) {
        while producer.outstanding > 0, !isSpent {
            let failures = producer.poll(timeout: .milliseconds(20)).compactMap(\.error)
            isSpent = ContinuousClock.now >= leaseEnd || !failures.allSatisfy(\.isPermanentForMessage)
        }
    }

    private func check(_ end: ContinuousClock.Instant) throws(KafkaError) {
        guard ContinuousClock.now >= end else { return }
        throw KafkaError(.timedOut, operation: "publish", reason: "the broker did not answer in time")
    }

    /// The first failure that no repetition mends; where there are only ones that may pass, the first of them is thrown.
    ///
    /// After a refusal librdkafka drops the transaction's other messages, and may tell of them before it.
    private func permanentFailure(in deliveries: [KafkaDelivery]) throws(KafkaError) -> KafkaError? {
        let failures = deliveries.compactMap(\.error)
        if let failure = failures.first(where: \.isPermanentForMessage) { return failure }
        if let failure = failures.first { throw failure }
        return nil
    }
}
