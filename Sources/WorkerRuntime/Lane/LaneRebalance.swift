import CoreMetrics
import Kafka
import Logging
import Postgres

/// Answers to the group's rebalances, given between transactions.
extension Lane {
    /// Answers a rebalance that a poll reported, once the hand is empty.
    func answerRebalance() throws {
        guard pendingRebalance != nil else { return }
        try followRebalance()
        if owesAnswer { try claimAssigned() }
        metrics.partitions.record(claims.count)
    }

    /// Gives up what a rebalance takes away, and notes what it gives: that is to be claimed, and the group to be answered.
    func followRebalance() throws {
        guard let event = pendingRebalance else { return }
        pendingRebalance = nil
        switch event {
        case .assigned(let partitions):
            unclaimed += partitions.map(\.partition)
            owesAnswer = true
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
    }

    /// Claims what the group assigned: proves membership, raises the epoch, starts at the database's offset.
    ///
    /// A stale member (one that slept through a rebalance) fails the proof, and so cannot lock the live owner out. A
    /// partition that is held back, or whose owner the group does not tell yet, is left for later, and so is one whose
    /// proof was refused: a group that goes on to its next generation in that moment refuses, too, and assigns nothing
    /// anew to who keeps its partitions. Only the group's word takes a partition away. The group gets its answer also
    /// where nothing could be claimed: until then it gives this lane nothing, and nobody what it gives up.
    func claimAssigned() throws {
        let partitions = unclaimed.sorted()
        do {
            var positions: [KafkaPosition] = []
            try claimInTurn(try partitions.filter { try !isHeldBack($0) }) { partition, claim in
                claims[partition] = claim
                positions.append(KafkaPosition(topicPartition(partition), offset: claim.startOffset))
            }
            guard owesAnswer || !positions.isEmpty else { return }
            try consumer.assign(positions)
            owesAnswer = false
            guard !positions.isEmpty else { return }
            let claimed = positions.map(\.topicPartition.partition)
            unclaimed.removeAll(where: claimed.contains)
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

    /// Claims partitions one after the other, within a few seconds; those that cannot be claimed now are left out.
    ///
    /// One whose leader does not answer, or whose claim somebody keeps locked, keeps no other one waiting, and is asked for
    /// again after a rest. What the group does not say of one it says of no other.
    ///
    /// - Parameter use: Takes a partition with its new claim.
    private func claimInTurn(_ partitions: [Int32], _ use: (Int32, PartitionClaim) throws -> Void) throws {
        let end = ContinuousClock.now + .seconds(6)
        for partition in silentLeaders.due(partitions, at: .now) {
            pulse.beat()
            guard !stop.isRequested, ContinuousClock.now < end else { return }
            do {
                switch try claim(partition) {
                case .claimed(let claim):
                    silentLeaders.answered(partition)
                    try use(partition, claim)
                case .refused: continue
                case .unsaid: return
                }
            } catch let error as KafkaError where !error.isFatal {
                leave(partition, "the claim waits for the broker, others go on: \(error)")
            } catch let error as PostgresError where error.sqlState == .lockNotAvailable {
                leave(partition, "somebody keeps the claim locked, others go on: \(error)")
            }
        }
    }

    /// Lets a partition rest before it is asked for again.
    private func leave(_ partition: Int32, _ why: String) {
        silentLeaders.failed(partition, at: .now)
        logger.warning("\(why)", metadata: [LogKey.partition: "\(partition)"])
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

    /// Claims one partition, if the group counts this lane as its owner now.
    private func claim(_ partition: Int32) throws -> ClaimAttempt {
        let place = topicPartition(partition)
        // A leader that was not found at once may be slow; what it takes is taken from the other partitions, but not often.
        let patience = Duration.seconds(silentLeaders.contains(partition) ? 5 : 3)
        let watermarks = try consumer.watermarks(of: place, timeout: patience)
        let known = try claimStore.nextOffset(partition, on: connection)
        let proof = KafkaPosition(place, offset: known ?? watermarks.low)
        guard let isMine = try isOwner(of: proof) else { return .unsaid }
        guard isMine else { return .refused }
        let claim = try claimStore.claim(partition, watermarks: watermarks, on: connection, logger: logger) {
            try consumer.watermarks(of: place, timeout: patience)
        }
        return .claimed(claim)
    }

    /// Whether the group counts this lane as a partition's owner; asks for two seconds at most.
    ///
    /// - Returns: `nil` where the group did not say so, as while it rebalances.
    private func isOwner(of position: KafkaPosition) throws -> Bool? {
        let end = ContinuousClock.now + .seconds(2)
        repeat {
            guard let error = refusal(of: position, within: end - ContinuousClock.now) else { return true }
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
            if pendingRebalance != nil { return nil }
        } while !stop.isRequested && ContinuousClock.now < end
        logger.warning("the group does not say whose its partitions are; what is not claimed yet is claimed later")
        return nil
    }

    private func refusal(of position: KafkaPosition, within time: Duration) -> KafkaError? {
        do {
            try consumer.proveMembership([position], timeout: max(Duration.milliseconds(1), time))
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
        try claimInTurn(unheld.sorted()) { partition, claim in
            try consumer.seek(
                to: KafkaPosition(topicPartition(partition), offset: claim.startOffset),
                timeout: .seconds(3)
            )
            unheld.remove(partition)
            claims[partition] = claim
            try goOn(partition)
        }
    }

    /// Starts a topic that was made anew at its oldest message.
    ///
    /// What the broker or the database cannot do now is left for the next claim, which begins at the same message, so that
    /// it is seen to be another one once more.
    func restartRemadeTopic(_ place: KafkaTopicPartition, claim: PartitionClaim) throws {
        logger.error(
            "the message at the last handled offset is another one: the topic was made anew; starting at its oldest",
            metadata: [LogKey.partition: "\(place.partition)"]
        )
        do {
            let watermarks = try consumer.watermarks(of: place, timeout: .seconds(3))
            try claimStore.restart(place.partition, claim: claim, watermarks: watermarks, on: connection)
            var claim = claim
            claim.nextOffset = watermarks.low
            claim.condemnedOffset = nil
            claims[place.partition] = claim
            try consumer.seek(to: KafkaPosition(place, offset: watermarks.low), timeout: .seconds(3))
            RuntimeMetrics.topicRemade.increment()
        } catch {
            guard Failure.isTriedAgain(error) else { throw error }
            logger.warning("the topic is started at its oldest message later: \(error)")
            loseOffset(place.partition)
        }
    }

    func topicPartition(_ partition: Int32) -> KafkaTopicPartition {
        KafkaTopicPartition(topic: configuration.realTopic, partition: partition)
    }
}

/// What became of the attempt to claim a partition.
private enum ClaimAttempt {
    case claimed(PartitionClaim)
    /// The group counts another member as its owner.
    case refused
    /// The group did not say whose it is.
    case unsaid
}
