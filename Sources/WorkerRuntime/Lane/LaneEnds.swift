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
    /// How long the broker may take for an answer.
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
        silentEnds.answered(partition)
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
    ///
    /// What has another claim by now is claimed again.
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
        let lost = try claimStore.note(ages.sorted { $0.partition < $1.partition }, on: connection)
        guard !lost.isEmpty else { return }
        // Where nothing comes there is no batch to be fenced: as after an operator has set a position.
        logger.warning(
            "another lane or an operator claimed partitions at rest; claiming again",
            metadata: [LogKey.partitions: "\(lost)"]
        )
        try reclaim(lost)
    }

    /// Asks the broker whether partitions end where this lane stands; what does not answer now is asked later.
    private func askForEnds() throws {
        doubtfulEnds = doubtfulEnds.filter { claims[$0.key] != nil && fullQueues[$0.key] == nil }
        let due = silentEnds.due(doubtfulEnds.keys, at: .now)
        guard !due.isEmpty else { return }
        let asked = ContinuousClock.now
        // Those that did not answer would take the time of those that do.
        let answering = due.prefix { !silentEnds.contains($0) }
        var highs = try self.highs(of: Array(answering))
        highs.merge(try self.highs(of: Array(due[answering.endIndex...]))) { first, _ in first }
        for partition in due where highs[partition] == nil { silentEnds.failed(partition, at: .now) }
        for (partition, high) in highs {
            silentEnds.answered(partition)
            guard let claim = claims[partition], let end = doubtfulEnds.removeValue(forKey: partition) else { continue }
            // Behind the last message may lie marks of transactions, which the former end has counted.
            guard claim.nextOffset <= high, max(claim.nextOffset, end) >= high else { continue }
            claims[partition]?.endReached = high
            ends[partition] = asked
        }
    }

    /// Where partitions end, as the broker says; those for which it does not say so in time are left out.
    private func highs(of partitions: [Int32]) throws -> [Int32: Int64] {
        guard !partitions.isEmpty else { return [:] }
        do {
            let ends = try consumer.ends(of: partitions.map(topicPartition), timeout: Self.patience)
            return Dictionary(ends.map { ($0.key.partition, $0.value) }, uniquingKeysWith: { first, _ in first })
        } catch {
            if error.isFatal { throw error }
            logger.debug("whether partitions have ended is asked later: \(error)")
            return [:]
        }
    }
}
