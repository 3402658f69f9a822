import CoreMetrics
import Kafka
import Logging
import Postgres

/// Answers to the group's rebalances, given between transactions.
extension Lane {
    /// Answers a rebalance that a poll reported, once the hand is empty.
    func answerRebalance() throws {
        guard let event = pendingRebalance else { return }
        pendingRebalance = nil
        switch event {
        case .assigned(let partitions):
            unclaimed += partitions.map(\.partition)
            owesAnswer = true
            try claimAssigned()
        case .revoked(let partitions, let isLost):
            forget(partitions)
            owesAnswer = false
            try consumer.release(partitions)
            logger.info(
                isLost ? "partitions lost" : "partitions given up",
                metadata: [LogKey.partitions: "\(partitions.map(\.partition).sorted())"]
            )
        default:
            break
        }
        metrics.partitions.record(claims.count)
    }

    /// Claims what the group assigned: proves membership, raises the epoch, starts at the database's offset.
    ///
    /// A stale member (one that slept through a rebalance) fails the proof, and so cannot lock the live owner out. A
    /// partition that is held back, or whose owner the group does not tell yet, is left for later, and so is one whose
    /// proof was refused: a group that goes on to its next generation in that moment refuses, too, and assigns nothing
    /// anew to who keeps its partitions. Only the group's word takes a partition away. The group gets its answer also
    /// where nothing could be claimed.
    func claimAssigned() throws {
        let partitions = unclaimed.sorted()
        do {
            var positions: [KafkaPosition] = []
            var later: [Int32] = []
            for partition in partitions {
                if try isHeldBack(partition) {
                    later.append(partition)
                    continue
                }
                guard let claim = try claim(partition) else {
                    later.append(partition)
                    continue
                }
                claims[partition] = claim
                positions.append(KafkaPosition(topicPartition(partition), offset: claim.startOffset))
            }
            unclaimed = later
            guard owesAnswer || !positions.isEmpty else { return }
            try consumer.assign(positions)
            owesAnswer = false
            guard !positions.isEmpty else { return }
            let claimed = positions.map(\.topicPartition.partition)
            logger.info("partitions claimed", metadata: [LogKey.partitions: "\(claimed)"])
        } catch let error as PostgresError {
            for partition in partitions { claims[partition] = nil }
            logger.warning("the claim waits for the database: \(error)")
            try recover(from: error)
        } catch let error as KafkaError where !error.isFatal {
            for partition in partitions { claims[partition] = nil }
            logger.warning("the claim waits for the broker: \(error)")
        }
    }

    /// Whether a partition was added to the topic and must wait; says so once.
    private func isHeldBack(_ partition: Int32) throws -> Bool {
        guard try claimStore.isHeldBack(partition, on: connection) else {
            heldBack.remove(partition)
            return false
        }
        if heldBack.insert(partition).inserted {
            logger.info(
                "a new partition waits until the older ones are read to where they ended",
                metadata: [LogKey.partition: "\(partition)"]
            )
        }
        return true
    }

    /// Claims one partition; `nil` where the group does not count this lane as its owner now: to be tried again.
    private func claim(_ partition: Int32) throws -> PartitionClaim? {
        let place = topicPartition(partition)
        let watermarks = try consumer.watermarks(of: place, timeout: .seconds(10))
        let known = try claimStore.nextOffset(partition, on: connection)
        let proof = KafkaPosition(place, offset: known ?? watermarks.low)
        guard try isOwner(of: proof) else { return nil }
        return try claimStore.claim(partition, watermarks: watermarks, on: connection, logger: logger)
    }

    /// Whether the group counts this lane as a partition's owner; asks for about a second.
    private func isOwner(of position: KafkaPosition) throws -> Bool {
        for _ in 0..<20 {
            guard let error = refusal(of: position) else { return true }
            if error.isStaleMember {
                logger.warning(
                    "the group counts another member as owner",
                    metadata: [LogKey.partition: "\(position.topicPartition.partition)"]
                )
                metrics.staleMember.increment()
                return false
            }
            guard error.isRebalanceInProgress || error.isRetriable else { throw error }
            // The next poll joins the rebalance; its events are answered after this one.
            if pendingRebalance == nil, let event = try consumer.poll(timeout: .milliseconds(50)) {
                _ = try take(event)
            }
            if pendingRebalance != nil { return false }
        }
        return false
    }

    private func refusal(of position: KafkaPosition) -> KafkaError? {
        do {
            try consumer.proveMembership([position])
            return nil
        } catch {
            return error
        }
    }

    /// Claims again after the fence refused this lane: only the group's word makes the partition lost.
    func reclaim(_ partitions: [Int32]) throws {
        for partition in partitions where claims.removeValue(forKey: partition) != nil {
            metrics.fenced.increment()
            unheld.insert(partition)
        }
        do {
            try reclaimUnheld()
        } catch let error as PostgresError {
            // What is not claimed again now is claimed with the next housekeeping.
            try recover(from: error)
        }
    }

    /// Claims partitions that are assigned but not held; what the broker cannot answer now is tried again later.
    func reclaimUnheld() throws {
        for partition in unheld.sorted() {
            do {
                guard let claim = try claim(partition) else { continue }
                try consumer.seek(
                    to: KafkaPosition(topicPartition(partition), offset: claim.startOffset),
                    timeout: .seconds(10)
                )
                unheld.remove(partition)
                claims[partition] = claim
                try goOn(partition)
            } catch let error as KafkaError where !error.isFatal {
                logger.warning("the new claim waits for the broker: \(error)")
            }
        }
    }

    /// Starts a topic that was made anew at its oldest message.
    func restartRemadeTopic(_ place: KafkaTopicPartition, claim: PartitionClaim) throws {
        logger.error(
            "the message at the last handled offset is another one: the topic was made anew; starting at its oldest",
            metadata: [LogKey.partition: "\(place.partition)"]
        )
        RuntimeMetrics.topicRemade.increment()
        let low = try consumer.watermarks(of: place, timeout: .seconds(10)).low
        try claimStore.restart(place.partition, claim: claim, at: low, on: connection)
        var claim = claim
        claim.nextOffset = low
        claim.condemnedOffset = nil
        claims[place.partition] = claim
        try consumer.seek(to: KafkaPosition(place, offset: low), timeout: .seconds(10))
    }

    func topicPartition(_ partition: Int32) -> KafkaTopicPartition {
        KafkaTopicPartition(topic: configuration.realTopic, partition: partition)
    }
}
