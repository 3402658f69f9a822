import CoreMetrics
import Foundation
import Kafka
import Logging
import Postgres

/// Messages that could not be handled: parked with their key, tried again by the lane that owns the partition.
///
/// When which of them is tried is in `LaneParkedVisits.swift`.
extension Lane {
    var parkedQueue: ParkedQueue { ParkedQueue(group: configuration.group, topic: configuration.topic) }

    func place(_ due: ParkedQueue.DueKey) -> Logger.Metadata { [LogKey.partition: "\(due.partition)"] }

    /// Reads the oldest message of a key and decodes it, outside any transaction.
    ///
    /// Decoding may ask others, such as for the keys of tokens, for longer than a transaction may be idle.
    func look(at due: ParkedQueue.DueKey) throws -> ParkedHead<H.Input>? {
        guard let parked = try parkedQueue.head(of: due.key, realTopic: configuration.realTopic, on: connection) else {
            return nil
        }
        let view = KafkaMessageView(parked.message, topic: configuration.topic, isParked: true)
        do throws(Refusal) {
            return ParkedHead(parked: parked, input: .success(try handler.decode(view)))
        } catch {
            return ParkedHead(parked: parked, input: .failure(error))
        }
    }

    /// Handles the head message of a key.
    func retryHead(of due: ParkedQueue.DueKey) throws -> HeadTry {
        guard let head = try look(at: due) else { return .untried }
        do {
            return try connection.transaction { (transaction: borrowing PostgresTransaction) -> HeadTry in
                // What somebody else keeps locked is not worth as much time as a batch may take.
                try transaction.submit("select set_config('lock_timeout', '1s', true)")
                let now = try claimStore.fence(standing(due.partition), in: transaction)
                guard let locked = try parkedQueue.lockDue(due, head: head.parked, in: transaction) else {
                    return .untried
                }
                if locked.isDropped {
                    try giveUp(head, due, because: .dropped, now: now, in: transaction)
                    return .settled
                }
                let isLast = configuration.retries.nextDelayMilliseconds(attempts: locked.attempt) == nil
                let outcome = try handle(head, isLast: isLast, now: now, in: transaction)
                try release(head.parked, key: due.key, outcome: outcome, partition: due.partition, in: transaction)
                return .settled
            }
        } catch {
            guard case .message(let reason) = Failure.classify(error) else { throw error }
            return try giveUpOrPostpone(due, head, .ofMessage, reason: reason)
        }
    }

    /// Gives the head message of a key up with which lane after lane has ended: nobody looks at it.
    func giveUpUnseen(_ due: ParkedQueue.DueKey) throws {
        logger.warning("a parked message is given up: workers ended with it", metadata: place(due))
        if let parked = try parkedQueue.head(of: due.key, realTopic: configuration.realTopic, on: connection) {
            let head = ParkedHead<H.Input>(parked: parked, input: .failure(.deadLetter(.workerCrashed)))
            _ = try giveUpOrPostpone(due, head, .ofMessage, reason: .workerCrashed, isLooked: false)
        }
        begunKeys[due.key] = nil
    }

    /// After a failed try: what the database refuses of a message is left out of its end.
    func giveUpOrPostpone(
        _ due: ParkedQueue.DueKey,
        _ head: ParkedHead<H.Input>,
        _ cause: FailedTry,
        reason: Reason
    ) throws -> HeadTry {
        do {
            return try giveUpOrPostpone(due, head, cause, reason: reason, isLooked: true)
        } catch {
            guard case .message(let why) = Failure.classify(error) else { throw error }
            logger.warning("it cannot be given up like that: \(why)", metadata: place(due))
            return try giveUpOrPostpone(due, head, cause, reason: reason, isLooked: false)
        }
    }

    /// - Parameter isLast: Whether the message is given up where it fails once more.
    private func handle(
        _ head: ParkedHead<H.Input>,
        isLast: Bool,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        let view = KafkaMessageView(
            head.parked.message,
            topic: configuration.topic,
            isParked: true,
            isLastTry: isLast
        )
        let input: H.Input
        switch head.input {
        case .success(let decoded): input = decoded
        case .failure(let refusal):
            try outbox.insert(
                [DeadLetter(view, reason: refusal.reason, group: configuration.group).record],
                in: transaction
            )
            return .deadLettered(refusal.reason)
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

    /// Waits longer, or dead-letters the head so that the key goes on.
    ///
    /// - Parameter isLooked: Whether its handler looks at the message once more, to answer its sender.
    private func giveUpOrPostpone(
        _ due: ParkedQueue.DueKey,
        _ head: ParkedHead<H.Input>,
        _ cause: FailedTry,
        reason: Reason,
        isLooked: Bool
    ) throws -> HeadTry {
        try connection.transaction { (transaction: borrowing PostgresTransaction) -> HeadTry in
            let now = try claimStore.fence(standing(due.partition), in: transaction)
            guard let locked = try parkedQueue.lockDue(due, head: head.parked, in: transaction) else { return .untried }
            let isOver = locked.isDropped || reason == .workerCrashed
            if !isOver, let delay = configuration.retries.nextDelayMilliseconds(attempts: locked.tries(cause)) {
                try parkedQueue.postpone(due.key, cause, reason: reason, delay: jittered(delay), in: transaction)
                return .waits
            }
            let last = locked.isDropped ? Reason.dropped : reason
            try giveUp(head, due, because: last, isLooked: isLooked, now: now, in: transaction)
            return .settled
        }
    }

    /// Dead-letters the head message, so that its key goes on.
    private func giveUp(
        _ head: ParkedHead<H.Input>,
        _ due: ParkedQueue.DueKey,
        because reason: Reason,
        isLooked: Bool = true,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let view = KafkaMessageView(head.parked.message, topic: configuration.topic, isParked: true)
        let input = isLooked ? try? head.input.get() : nil
        let records = try lastRecords(view, input, reason: reason, now: now, in: transaction)
        try outbox.insert(records, in: transaction)
        try release(
            head.parked,
            key: due.key,
            outcome: .deadLettered(reason),
            partition: due.partition,
            in: transaction
        )
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

    func jittered(_ milliseconds: Int64) -> Int64 {
        milliseconds + Int64.random(in: 0...max(1, milliseconds / 5))
    }
}

/// The oldest message of a parked key, as it was read and decoded before the transaction of its try.
struct ParkedHead<Input> {
    let parked: ParkedQueue.Parked
    let input: Result<Input, Refusal>
}

/// What became of the head message of a key.
enum HeadTry {
    /// It is handled or given up; the next one may be tried at once.
    case settled
    /// It waits longer.
    case waits
    /// Nothing: its key is due no more, or somebody keeps it locked.
    case untried
}

extension Reason {
    /// An operator gave a waiting message up.
    static let dropped = Reason(
        code: "dropped",
        sentence: "Whoever operates Slipway gave the message up while it waited with its key."
    )
}
