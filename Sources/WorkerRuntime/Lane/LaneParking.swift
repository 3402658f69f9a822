import CoreMetrics
import Foundation
import Kafka
import Logging
import Postgres

/// Messages that cannot be handled now: parked with their key, tried again by the lane that owns the partition.
extension Lane {
    var parkedQueue: ParkedQueue { ParkedQueue(group: configuration.group, topic: configuration.topic) }

    /// What is published of a message that failed for the last time: its dead letter, and its sender's answer.
    private func lastRecords(
        _ message: KafkaMessageView,
        _ input: H.Input?,
        reason: Reason,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> [OutboxRecord] {
        let outbox = OutboxBuffer()
        outbox.append(DeadLetter(message, reason: reason, group: configuration.group).record)
        if let input {
            let entry = Entry(input, message: message)
            _ = handler.setAside(entry, because: .deadLettered(reason), outbox: outbox, now: now)
            try handler.noteSetAside([entry], because: .deadLettered(reason), in: transaction)
        }
        return outbox.records
    }

    /// Parks one message that failed alone, or dead-letters it where parking makes no sense.
    func setAside(_ held: Held<H.Input>, reason: Reason) throws {
        let message = held.message
        let parks = handler.parksFailures && message.keyBytes != nil && configuration.retries.attempts > 0
        logger.warning("\(parks ? "parked" : "dead-lettered"): \(reason)", metadata: place(message))
        var failures = 0
        while claims[held.partition]?.epoch == held.epoch, held.offset >= claims[held.partition]?.nextOffset ?? .max {
            do {
                let spans = try connection.transaction { (transaction: borrowing PostgresTransaction) in
                    try setAside(held, reason: reason, parks: parks, in: transaction)
                }
                finish(spans, took: .zero)
            } catch {
                failures += 1
                if case .fenced = Failure.classify(error) { return try reclaim([held.partition]) }
                try recover(from: error, failures: failures)
            }
        }
    }

    private func setAside(
        _ held: Held<H.Input>,
        reason: Reason,
        parks: Bool,
        in transaction: borrowing PostgresTransaction
    ) throws -> [Span] {
        let spans = Span.of([held], claims: claims)
        let now = try claimStore.fence(spans, in: transaction)
        var tally = Tally()
        if parks {
            let delay = jittered(configuration.retries.delayMilliseconds(attempt: 1))
            let kept = held.input.map(handler.keptHeaders) ?? []
            if try parkedQueue.lock([held.message.keyBytes ?? []], in: transaction).isEmpty {
                try parkedQueue.open(held.message, keeping: kept, reason: reason, delay: delay, in: transaction)
            } else {
                // It was to wait behind another one of its key, and even that failed again and again.
                try parkedQueue.append(held.message, keeping: kept, in: transaction)
            }
            tally.countParked()
        } else {
            let records = try lastRecords(
                held.message,
                held.input,
                reason: reason,
                now: now,
                in: transaction
            )
            try outbox.insert(records, in: transaction)
            tally.count(.deadLettered(reason))
        }
        let settled = spans.map { $0.counting(tally) }
        try claimStore.advance(settled, in: transaction)
        return settled
    }

    /// Tries the keys that are due, each under the fence of its partition.
    func retryParked() throws {
        guard handler.parksFailures, !claims.isEmpty, ContinuousClock.now >= nextParkedVisit else { return }
        nextParkedVisit = ContinuousClock.now + .milliseconds(200)
        do {
            for due in try parkedQueue.due(in: claims.keys.sorted(), on: connection) {
                while !stop.isRequested, claims[due.partition] != nil, try retryHead(of: due) {}
            }
        } catch {
            switch Failure.classify(error) {
            case .fenced: try reclaim(claims.keys.sorted())
            default: try recover(from: error)
            }
        }
    }

    /// Handles the head message of a key; returns whether the next one may be tried at once.
    private func retryHead(of due: ParkedQueue.DueKey) throws -> Bool {
        do {
            return try connection.transaction { (transaction: borrowing PostgresTransaction) in
                let now = try claimStore.fence(standing(due.partition), in: transaction)
                guard let locked = try parkedQueue.lockDue(due.key, in: transaction),
                    let parked = try parkedQueue.head(of: due.key, realTopic: configuration.realTopic, in: transaction)
                else { return false }
                if locked.isDropped {
                    try giveUp(parked, due, because: .dropped, now: now, in: transaction)
                    return true
                }
                let outcome = try handle(parked, now: now, in: transaction)
                try release(parked, key: due.key, outcome: outcome, partition: due.partition, in: transaction)
                return true
            }
        } catch {
            guard case .message(let reason) = Failure.classify(error) else { throw error }
            return try giveUpOrPostpone(due, reason: reason)
        }
    }

    private func handle(
        _ parked: ParkedQueue.Parked,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        let view = KafkaMessageView(parked.message, topic: configuration.topic, isParked: true)
        let input: H.Input
        do throws(Refusal) {
            input = try handler.decode(view)
        } catch {
            try outbox.insert(
                [DeadLetter(view, reason: error.reason, group: configuration.group).record],
                in: transaction
            )
            return .deadLettered(error.reason)
        }
        let entry = Entry(input, message: view)
        if let key = handler.inboxKey(of: input) {
            let waited = InboxReach.parked - InboxReach.read
            try Inbox(reach: configuration.inboxReach + waited).admit([(entry, key)], now: now, in: transaction)
        }
        let batch = Batch([entry], now: now)
        try handler.handle(batch, in: transaction)
        if let answer = entry.answer, let key = handler.inboxKey(of: input) {
            try transaction.submit(
                "update inbox set answer = $2 where id = $1",
                [.uuid(key.requestID), .bytes(answer)]
            )
        }
        if case .deadLettered(let reason) = entry.outcome {
            batch.outbox.append(DeadLetter(view, reason: reason, group: configuration.group).record)
        }
        try outbox.insert(batch.outbox.records, in: transaction)
        return entry.outcome
    }

    private func release(
        _ parked: ParkedQueue.Parked,
        key: [UInt8],
        outcome: Outcome,
        partition: Int32,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try parkedQueue.remove(parked, key: key, in: transaction)
        var tally = Tally()
        tally.count(outcome)
        try transaction.submit(
            """
            update partition_claim set released_applied = released_applied + $4,
                released_repeated = released_repeated + $5, released_stale = released_stale + $6,
                released_rejected = released_rejected + $7, released_dead_lettered = released_dead_lettered + $8
            where consumer_group = $1 and topic = $2 and partition = $3
            """,
            [
                .text(configuration.group), .text(configuration.topic), .int32(partition),
                .int64(Int64(tally.applied)), .int64(Int64(tally.repeated)), .int64(Int64(tally.stale)),
                .int64(Int64(tally.rejected)), .int64(Int64(tally.deadLettered)),
            ]
        )
        metrics.released.increment()
    }

    /// After a failed try: waits longer, or dead-letters the head so that the key goes on.
    private func giveUpOrPostpone(_ due: ParkedQueue.DueKey, reason: Reason) throws -> Bool {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            let now = try claimStore.fence(standing(due.partition), in: transaction)
            guard let locked = try parkedQueue.lockDue(due.key, in: transaction),
                let parked = try parkedQueue.head(of: due.key, realTopic: configuration.realTopic, in: transaction)
            else { return false }
            guard let delay = configuration.retries.nextDelayMilliseconds(attempts: locked.attempt) else {
                try giveUp(parked, due, because: reason, now: now, in: transaction)
                return true
            }
            try parkedQueue.postpone(due.key, reason: reason, delay: jittered(delay), in: transaction)
            return false
        }
    }

    /// Dead-letters the head message, so that its key goes on.
    private func giveUp(
        _ parked: ParkedQueue.Parked,
        _ due: ParkedQueue.DueKey,
        because reason: Reason,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let view = KafkaMessageView(parked.message, topic: configuration.topic, isParked: true)
        let records = try lastRecords(view, try? handler.decode(view), reason: reason, now: now, in: transaction)
        try outbox.insert(records, in: transaction)
        try release(parked, key: due.key, outcome: .deadLettered(reason), partition: due.partition, in: transaction)
        logger.warning("dead-lettered after waiting: \(reason)", metadata: place(view))
    }

    /// The claim of a partition as it stands, for a transaction that does not move it on.
    private func standing(_ partition: Int32) -> [Span] {
        guard let claim = claims[partition] else { return [] }
        return [
            Span(
                partition: partition,
                epoch: claim.epoch,
                from: claim.nextOffset,
                to: claim.nextOffset,
                lastOffset: 0,
                lastTimestamp: 0
            )
        ]
    }

    private func jittered(_ milliseconds: Int64) -> Int64 {
        milliseconds + Int64.random(in: 0...max(1, milliseconds / 5))
    }
}

extension Reason {
    /// An operator gave a waiting message up.
    static let dropped = Reason(
        code: "dropped",
        sentence: "Whoever operates Slipway gave the message up while it waited with its key."
    )
}
