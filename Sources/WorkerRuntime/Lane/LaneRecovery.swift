import CoreMetrics
import Foundation
import Kafka
import Logging
import Postgres
import Synchronization

/// What happens when a batch does not commit.
extension Lane {
    /// Brings every message to an outcome: alone, in halves, or after the trouble is over.
    func settle(_ messages: [Held<H.Input>]) throws {
        let groups = transactionGroups(
            messages.count,
            isSuspect: { !messages[$0].isDecoded },
            identity: { messages[$0].inboxKey }
        )
        for group in groups { try settleGroup(Array(messages[group])) }
    }

    private func settleGroup(_ group: [Held<H.Input>]) throws {
        var failures = FailureCount()
        while true {
            // Somebody else's lock may be waited for again and again; the lane lives.
            pulse.beat()
            // What was polled under an epoch that is gone is read again from the claim, as is what waits for room.
            let messages = group.allSatisfy(isStillMine) ? group : group.filter(isStillMine)
            guard !messages.isEmpty else { return }
            do {
                try transactAlone(messages)
                return
            } catch {
                failures.note(error)
                guard try isWorthRepeating(messages, after: error, failures: failures) else { return }
            }
        }
    }

    private func isStillMine(_ held: Held<H.Input>) -> Bool {
        guard let claim = claims[held.partition], claim.epoch == held.epoch else { return false }
        guard !fullQueues.isEmpty, let full = fullQueues[held.partition] else { return held.offset >= claim.nextOffset }
        return held.offset >= claim.nextOffset && held.offset < full.offset
    }

    /// Deals with one failure; returns whether the same messages should be tried once more.
    private func isWorthRepeating(
        _ messages: [Held<H.Input>],
        after error: any Error,
        failures: FailureCount
    ) throws -> Bool {
        switch Remedy.of(error, failures: failures) {
        case .claimAgain:
            logger.warning("fenced: another lane claimed a partition; claiming again")
            try reclaim(Set(messages.map(\.partition)).sorted())
            return false
        case .waitForRoom(let queues):
            try waitForRoom(queues)
            return true
        case .tryAgain(let afterRecovery):
            metrics.transientFailures.increment()
            // A lane that is to stop also looks whether it may go on.
            if afterRecovery || stop.isRequested { try recover(from: error, failures: failures.all) }
            return true
        case .isolate where !messages.allSatisfy(\.isDecoded):
            // What could not be written down of a suspect is not its fault.
            try recover(from: error, failures: failures.all)
            return true
        case .isolate(let reason):
            try isolate(messages, reason: reason)
            return false
        case .end(let error):
            throw error
        }
    }

    /// Splits in order, the first half before the second; one message alone is parked or dead-lettered.
    private func isolate(_ messages: [Held<H.Input>], reason: Reason) throws {
        guard messages.count == 1, let message = messages.first else {
            let middle = messages.count / 2
            try settleGroup(Array(messages[..<middle]))
            try settleGroup(Array(messages[middle...]))
            return
        }
        try setAside(message, reason: reason)
    }

    /// Marks a message that may be what ends its worker before it is decoded and handled, and lets no other lane of the
    /// process do so meanwhile: they would end with it, and theirs would be suspected too.
    private func transactAlone(_ messages: [Held<H.Input>]) throws {
        guard let first = messages.first, let claim = claims[first.partition], claim.isCautious else {
            // One that was taken with a suspect, which is handled by now, is suspected no more.
            messages.forEach(decodeHeld)
            return try transact(messages)
        }
        try inSuspectsTurn {
            try claimStore.suspect(first.offset, partition: first.partition, epoch: claim.epoch, on: connection)
            messages.forEach(decodeHeld)
            do {
                try transact(messages)
            } catch {
                // The lane lives.
                try? claimStore.suspect(nil, partition: first.partition, epoch: claim.epoch, on: connection)
                throw error
            }
        }
    }

    private func decodeHeld(_ held: Held<H.Input>) {
        guard !held.isDecoded, let claim = claims[held.partition] else { return }
        held.become(decode(held.message, claim: claim))
    }

    /// Waits for its turn among the lanes of the process, alive, and takes it; who keeps it too long is what the watchdog sees.
    func inSuspectsTurn<R>(_ body: () throws -> R) throws -> R {
        while true {
            if let done = try suspectsTurn.withLockIfAvailable({ _ in try body() }) { return done }
            pulse.beat()
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Waits until the database answers again, staying in the group; then learns what became of the claims.
    ///
    /// - Parameter failures: How often the same has failed: a database that answers and does nothing is asked ever less.
    /// - Throws: The error, where a stop has taken as long as it may, whether or not the database answers meanwhile.
    func recover(from error: any Error, failures: Int = 0) throws {
        guard Failure.isTriedAgain(error) else { throw error }
        logger.warning("waiting for the database: \(error)")
        Installation.leaveReadOnly(connection, after: error)
        let paused = claims.keys.filter { fullQueues[$0] == nil }.map(topicPartition)
        try consumer.pause(paused)
        var backoff = PostgresBackoff()
        for _ in 1..<max(failures, 1) { _ = backoff.next() }
        let began = ContinuousClock.now
        while true {
            pulse.beat()
            guard mayGoOn(since: began) else {
                logger.error("the stop has taken as long as it may: what is in hand is left to others")
                throw error
            }
            let wait = backoff.next()
            try stayInGroup(for: stop.isRequested ? min(wait, .milliseconds(500)) : wait)
            do {
                if !connection.isUsable { try Installation.reconnect(connection) }
                _ = try connection.query("select 1")
                try followClaims()
                break
            } catch let error as StartError {
                throw error
            } catch {
                logger.debug("still waiting for the database: \(error)")
            }
        }
        let kept = paused.filter { claims[$0.partition] != nil || unheld.contains($0.partition) }
        try consumer.resume(kept)
        logger.info("the database answers again")
    }

    /// Whether a lane that is to stop may try once more what it has in hand.
    private func mayGoOn(since began: ContinuousClock.Instant) -> Bool {
        let limit = configuration.drainDeadline
        return !stop.isRequested || (ContinuousClock.now - began <= limit && !stop.isOverdue(after: limit))
    }

    /// Polls while everything is paused, so that heartbeats and rebalances go on.
    ///
    /// What a rebalance takes away is given up at once, since nothing is under way; what it gives is claimed later, by
    /// `keepHouse()`. The group gets its answer now: no other member gets anything before.
    private func stayInGroup(for wait: Duration) throws {
        let end = ContinuousClock.now + wait
        try answerUnclaimed()
        repeat {
            guard let event = try consumer.poll(timeout: min(wait, .milliseconds(100))) else { continue }
            _ = try take(event)
            try answerUnclaimed()
        } while ContinuousClock.now < end
    }

    /// Answers a rebalance, if there is one, without claiming anything.
    private func answerUnclaimed() throws {
        try followRebalance()
        guard owesAnswer else { return }
        do throws(KafkaError) {
            try consumer.assign([])
            owesAnswer = false
        } catch {
            guard !error.isFatal else { throw error }
            logger.debug("the group is answered later: \(error)")
        }
    }

    /// Reads the claims after a lost answer: a commit that happened moves the claim on, so nothing is done twice.
    private func followClaims() throws {
        guard !claims.isEmpty else { return }
        let rows = try connection.query(
            """
            select partition, epoch, next_offset from partition_claim
            where consumer_group = $1 and topic = $2 and partition = any($3)
            """,
            [.text(configuration.group), .text(configuration.topic), .array(.int32s(claims.keys.sorted()))]
        )
        for row in rows {
            let partition = try row.int32(0)
            guard claims[partition]?.epoch == (try row.int64(1)) else { continue }
            claims[partition]?.nextOffset = try row.int64(2)
        }
    }
}

/// Held by the lane that handles what its worker may end of.
let suspectsTurn = Mutex<Void>(())
