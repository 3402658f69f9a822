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
        /// Brokers live and did not take all of it, as where a partition has no leader; with a transactional producer nothing
        /// of the batch is there.
        case held(KafkaError)
    }

    /// What the broker knows the producer by; `nil` if it is not transactional.
    let id: String?
    /// Whether it must be made anew: nobody knows what the broker has of what it was given, or it can do no more.
    private(set) var isSpent = false
    private let producer: KafkaProducer
    private var topics: TopicNames
    private let longest: Duration
    private let lease: Duration
    private let stop: StopSignal
    private let clock: WallClock
    /// How long a relay that was asked to stop waits for a broker that is away: less than orchestrators wait for it.
    private static let lastPatience = Duration.seconds(5)
    /// How long a broker may take to show that it lives.
    private static let signOfLife = Duration.seconds(1)
    private static let late = KafkaError(
        .timedOut,
        operation: "publish",
        reason: "the broker did not answer in time"
    )
    /// What librdkafka says of single messages where it is the transaction that failed.
    private static let ofTransaction: Set<KafkaError.Code> = [.purgedFromQueue, .purgedInFlight, .state]

    /// Makes a producer that the broker has not seen before; blocks until a broker has answered.
    ///
    /// - Parameter stop: When it is requested, a broker that is away is not waited for much longer.
    /// - Throws: ``KafkaError`` where none has answered in time, too.
    init(_ configuration: RelayConfiguration, stop: StopSignal) throws(KafkaError) {
        self.stop = stop
        clock = configuration.clock
        var kafka = configuration.kafka
        kafka.properties.merge(Self.defaults(configuration)) { given, _ in given }
        id =
            configuration.isTransactional ? "\(configuration.topicPrefix)outbox-\(UUID().uuidString.lowercased())" : nil
        longest = configuration.brokerPatience
        lease = configuration.leaseDuration
        topics = TopicNames(prefix: configuration.topicPrefix)
        producer = try KafkaProducer(kafka, transactionalID: id)
        if id != nil {
            try producer.initTransactions(timeout: patience)
        } else if !producer.hasBroker(within: patience) {
            throw Self.late
        }
    }

    /// The properties that an operator may set otherwise.
    ///
    /// A batch is handed over at once, so there is little to wait for before it is sent.
    private static func defaults(_ configuration: RelayConfiguration) -> [String: String] {
        let patience = configuration.unknownTopicPatience
        return [
            "linger.ms": configuration.isTransactional ? "0.5" : "0",
            RelayConfiguration.propagation: String(patience.milliseconds),
        ]
    }

    /// Has the broker refuse whatever the producer of this id still sends; blocks until the broker has answered, for a
    /// quarter of the lease at most.
    ///
    /// It does not answer while it ends a transaction of that producer, such as where a partition of it has no leader.
    static func fence(_ id: String, _ configuration: RelayConfiguration, stop: StopSignal) throws(KafkaError) {
        let end = ContinuousClock.now + min(configuration.leaseDuration / 4, configuration.brokerPatience)
        let successor = try KafkaProducer(configuration.kafka, transactionalID: id)
        defer { successor.close() }
        while true {
            do throws(KafkaError) {
                let left = max(Duration.milliseconds(1), end - ContinuousClock.now)
                return try successor.initTransactions(timeout: min(left, Duration.milliseconds(500)))
            } catch {
                guard error.isRetriable, !stop.isRequested, ContinuousClock.now < end else { throw error }
            }
        }
    }

    /// Has librdkafka tell what it has to tell, such as its statistics, where nothing is published.
    func attend() {
        _ = producer.poll(timeout: .zero)
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
    /// - Parameters:
    ///   - leaseEnd: When the shards may be another relay's: what the broker does not have by then must not go out any
    ///     more, because newer states of the same keys may be there first.
    ///   - limit: How long to wait for the broker to take it; `nil` is for most of what is left of the lease.
    /// - Throws: ``KafkaError`` if nobody knows what the broker has; then the producer is of no more use.
    func publish(
        _ messages: [OutboxMessage],
        before leaseEnd: ContinuousClock.Instant,
        within limit: Duration? = nil
    ) throws(KafkaError) -> Outcome {
        guard ContinuousClock.now < leaseEnd else { throw Self.late }
        if id != nil { try producer.beginTransaction() }
        let end = giveUpTime(before: leaseEnd, within: limit)
        var failure = enqueue(messages, until: end) ?? waitForDeliveries(until: end)
        if failure == nil { failure = try commit(before: leaseEnd) }
        guard let reason = failure else { return .published }
        if let fatal = producer.fatalError { throw fatal }
        return try id == nil ? leave(reason, before: leaseEnd) : abort(reason, before: leaseEnd)
    }

    /// Drops what was not published; blocks about two seconds at most.
    func close() {
        producer.close()
    }

    // MARK: Steps

    /// Until when the broker may take a batch: what is left of the lease then is for taking it back.
    private func giveUpTime(
        before leaseEnd: ContinuousClock.Instant,
        within limit: Duration?
    ) -> ContinuousClock.Instant {
        let now = ContinuousClock.now
        let left = leaseEnd - now
        let most = min(left - min(lease / 4, left / 2), longest * 2)
        return now + min(most, limit ?? most)
    }

    /// Hands the messages to librdkafka; returns what went wrong, if something did.
    private func enqueue(_ messages: [OutboxMessage], until end: ContinuousClock.Instant) -> KafkaError? {
        for message in messages {
            while let error = refusal(of: message) {
                guard error.isQueueFull else { return error }
                if let failure = failure(in: producer.poll(timeout: .milliseconds(20))) { return failure }
                if ContinuousClock.now >= end { return Self.late }
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
                    value: parts.value,
                    timestampMilliseconds: clock.stampMilliseconds
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

    /// Waits until the broker has all; returns what went wrong, if something did.
    private func waitForDeliveries(until end: ContinuousClock.Instant) -> KafkaError? {
        var end = end
        var isLast = false
        while producer.outstanding > 0 {
            if stop.isRequested, !isLast { (isLast, end) = (true, min(end, .now + Self.lastPatience)) }
            if let failure = failure(in: producer.poll(timeout: .milliseconds(20))) { return failure }
            if ContinuousClock.now >= end { return Self.late }
        }
        return nil
    }

    /// The first failure that no repetition mends; where there are only others, the first of them.
    ///
    /// After a refusal librdkafka drops the transaction's other messages, and may tell of them before it.
    private func failure(in deliveries: [KafkaDelivery]) -> KafkaError? {
        let failures = deliveries.compactMap(\.error)
        return failures.first(where: \.isPermanentForMessage) ?? failures.first
    }

    /// Commits, if there is a transaction; returns why it has to be aborted, if it has.
    private func commit(before leaseEnd: ContinuousClock.Instant) throws(KafkaError) -> KafkaError? {
        guard id != nil else { return nil }
        do throws(KafkaError) {
            try producer.commitTransaction(timeout: patience(before: leaseEnd))
            return nil
        } catch {
            guard error.requiresAbort, !error.isFatal else { throw error }
            return error
        }
    }

    /// Takes back what was sent in the transaction, and all that is reported of it.
    private func abort(
        _ failure: KafkaError,
        before leaseEnd: ContinuousClock.Instant
    ) throws(KafkaError) -> Outcome {
        var reason = failure
        // What made a transaction fail is told to whoever wants to commit it.
        if Self.ofTransaction.contains(failure.code), let told = try commit(before: leaseEnd) { reason = told }
        do throws(KafkaError) {
            try producer.abortTransaction(timeout: patience(before: leaseEnd))
            while producer.outstanding > 0 {
                guard ContinuousClock.now < leaseEnd else { throw Self.late }
                _ = producer.poll(timeout: .milliseconds(20))
            }
        } catch {
            // A broker that gave a reason is there: the search goes on, with another producer.
            guard reason.isPermanentForMessage || reason.requiresAbort else { throw reason }
            isSpent = true
        }
        if reason.isPermanentForMessage { return .refused(reason) }
        try requireBroker(reason, before: leaseEnd)
        return .held(reason)
    }

    /// Without a transaction: what the broker has of the batch stays there, and the rest may still go out.
    private func leave(
        _ failure: KafkaError,
        before leaseEnd: ContinuousClock.Instant
    ) throws(KafkaError) -> Outcome {
        guard failure.isPermanentForMessage else {
            try requireBroker(failure, before: leaseEnd)
            isSpent = true
            return .held(failure)
        }
        while producer.outstanding > 0, !isSpent {
            let others = producer.poll(timeout: .milliseconds(20)).compactMap(\.error)
            isSpent = ContinuousClock.now >= leaseEnd || !others.allSatisfy(\.isPermanentForMessage)
        }
        return .refused(failure)
    }

    /// Makes sure that a batch which was not taken is to blame for it.
    ///
    /// - Throws: The failure, where no broker shows that it lives.
    private func requireBroker(_ failure: KafkaError, before leaseEnd: ContinuousClock.Instant) throws(KafkaError) {
        let time = min(patience(before: leaseEnd), Self.signOfLife)
        guard !stop.isRequested, producer.hasBroker(within: time) else { throw failure }
    }
}
