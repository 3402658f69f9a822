import Kafka
import Logging
import Postgres

/// Messages that failed alone: they wait with their key, or end as dead letters.
extension Lane {
    /// What is published of a message that failed for the last time: its dead letter, and its sender's answer.
    func lastRecords(
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
    ///
    /// Where the database refuses that as well, whatever is in the message is left out, step by step.
    func setAside(_ held: Held<H.Input>, reason: Reason) throws {
        let message = held.message
        let parks = handler.parksFailures && message.keyBytes != nil && configuration.retries.attempts > 0
        var way = parks ? WayAside.parked : .answered
        var failures = 0
        while claims[held.partition]?.epoch == held.epoch, held.offset >= claims[held.partition]?.nextOffset ?? .max {
            do {
                let spans = try connection.transaction { (transaction: borrowing PostgresTransaction) in
                    try setAside(held, reason: reason, way, in: transaction)
                }
                finish(spans, took: .zero)
                logger.warning("\(way == .parked ? "parked" : "dead-lettered"): \(reason)", metadata: place(message))
            } catch {
                failures += 1
                switch Failure.classify(error) {
                case .fenced: return try reclaim([held.partition])
                case .message(let why):
                    guard let next = way.next else { throw error }
                    logger.warning("it cannot be set aside like that: \(why)", metadata: place(message))
                    way = next
                default: try recover(from: error, failures: failures)
                }
            }
        }
    }

    private func setAside(
        _ held: Held<H.Input>,
        reason: Reason,
        _ way: WayAside,
        in transaction: borrowing PostgresTransaction
    ) throws -> [Span] {
        let spans = Span.of([held], claims: claims)
        let now = try claimStore.fence(spans, in: transaction)
        var tally = Tally()
        if way == .parked {
            try park(held, reason: reason, in: transaction)
            tally.countParked()
        } else {
            let input = way == .answered ? held.input : nil
            let records = try lastRecords(held.message, input, reason: reason, now: now, in: transaction)
            try outbox.insert(records, in: transaction)
            tally.count(.deadLettered(reason))
        }
        let settled = spans.map { $0.counting(tally) }
        try claimStore.advance(settled, in: transaction)
        return settled
    }

    private func park(_ held: Held<H.Input>, reason: Reason, in transaction: borrowing PostgresTransaction) throws {
        let delay = jittered(configuration.retries.delayMilliseconds(attempt: 1))
        let kept = held.input.map(handler.keptHeaders) ?? []
        if try parkedQueue.lock([held.message.keyBytes ?? []], in: transaction).isEmpty {
            try parkedQueue.open(held.message, keeping: kept, reason: reason, delay: delay, in: transaction)
        } else {
            // It was to wait behind another one of its key, and even that failed again and again.
            try parkedQueue.append(held.message, keeping: kept, in: transaction)
        }
    }
}

/// How a message that failed alone is set aside; each way asks less of the database than the one before.
private enum WayAside {
    /// It waits with its key.
    case parked
    /// It is dead-lettered, and its sender is answered.
    case answered
    /// It is dead-lettered.
    case bare

    var next: WayAside? {
        switch self {
        case .parked: .answered
        case .answered: .bare
        case .bare: nil
        }
    }
}
