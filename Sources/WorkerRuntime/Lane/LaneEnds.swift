import Kafka
import Logging
import Postgres

/// What a lane says of partitions that it has read to their ends: that they are consumed up to now, so that silence counts.
///
/// It must not say so of a time in which it read nothing. librdkafka tells of an end once; whether it is the end still
/// shows each poll that finds nothing more, as long as nothing was out of reach. After any doubt the broker is asked.
extension Lane {
    /// The longest time without a poll that found nothing more, after which the broker is asked.
    private static var longestSilence: Duration { .seconds(2) }
    /// How long the broker may take for all answers of one round.
    private static var patience: Duration { .seconds(2) }

    /// Notes that a poll, which began then, found nothing more.
    ///
    /// After a long time without one, such as of a process that was held, the client may have fetched nothing yet.
    func noteQuiet(since asked: ContinuousClock.Instant) {
        if asked - lastQuiet > Self.longestSilence { doubtEnds() }
        lastQuiet = asked
    }

    /// Notes that a partition's end was reached.
    func noteEnd(_ position: KafkaPosition) {
        let partition = position.topicPartition.partition
        guard fullQueues[partition] == nil, claims[partition] != nil else { return }
        claims[partition]?.endReached = position.offset
        doubtfulEnds[partition] = nil
    }

    /// Notes that ends which were reached may not be ends any more.
    func doubtEnds() {
        for (partition, claim) in claims {
            guard let end = claim.endReached else { continue }
            claims[partition]?.endReached = nil
            doubtfulEnds[partition] = end
        }
    }

    /// Says which partitions are consumed up to when; asks the broker first where there is doubt.
    func noteConsumed() throws {
        if consumer.errorCount != knownErrorCount || ContinuousClock.now - lastQuiet > Self.longestSilence {
            doubtEnds()
        }
        knownErrorCount = consumer.errorCount
        try askForEnds()
        let now = ContinuousClock.now
        let ages = claims.filter { $0.value.endReached != nil }.map { partition, claim in
            ConsumedPartition(
                partition: partition,
                epoch: claim.epoch,
                end: claim.endReached ?? 0,
                age: now - max(lastQuiet, ends[partition] ?? lastQuiet)
            )
        }
        try claimStore.note(ages.sorted { $0.partition < $1.partition }, on: connection)
    }

    /// Asks the broker whether partitions end where this lane stands; what does not answer now is asked later.
    private func askForEnds() throws {
        let until = ContinuousClock.now + Self.patience
        for (partition, end) in doubtfulEnds.sorted(by: { $0.key < $1.key }) {
            guard let claim = claims[partition], fullQueues[partition] == nil else {
                doubtfulEnds[partition] = nil
                continue
            }
            let asked = ContinuousClock.now
            guard asked < until else { return }
            guard let high = try high(of: partition, within: until - asked) else { continue }
            doubtfulEnds[partition] = nil
            // Behind the last message may lie marks of transactions, which the former end has counted.
            guard claim.nextOffset <= high, max(claim.nextOffset, end) >= high else { continue }
            claims[partition]?.endReached = high
            ends[partition] = asked
        }
    }

    /// Where a partition ends, as the broker says; `nil` where it does not say so in time.
    private func high(of partition: Int32, within limit: Duration) throws -> Int64? {
        do {
            return try consumer.watermarks(of: topicPartition(partition), timeout: limit).high
        } catch {
            if error.isFatal { throw error }
            logger.debug("whether a partition has ended is asked later: \(error)")
            return nil
        }
    }
}
