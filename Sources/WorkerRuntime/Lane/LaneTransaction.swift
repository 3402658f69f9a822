import CoreMetrics
import Foundation
import Kafka
import Logging
import Postgres

/// One batch, one transaction: the steps in order.
extension Lane {
    /// Fences, admits, handles, publishes and moves on; all of it commits or nothing does.
    func transact(_ messages: [Held<H.Input>]) throws {
        let started = ContinuousClock.now
        let fenced = Span.of(messages, claims: claims)
        let settled = try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try work(messages, spans: fenced, in: transaction)
        }
        TestSignal.afterCommit.reach()
        finish(settled, took: ContinuousClock.now - started)
    }

    /// The steps inside the transaction; returns the spans with what became of their messages.
    private func work(
        _ messages: [Held<H.Input>],
        spans: [Span],
        in transaction: borrowing PostgresTransaction
    ) throws -> [Span] {
        let fence = try claimStore.submitFence(spans, in: transaction)
        try handler.prepare(messages.compactMap(\.entry), in: transaction)
        let now = try claimStore.now(of: fence, in: transaction)
        var tallies: [Int32: Tally] = [:]
        let behind = try queueBehindParked(messages, now: now, tallies: &tallies, in: transaction)
        let batch = try makeBatch(messages, behind, now: now, in: transaction)
        try handler.handle(batch, in: transaction)
        TestSignal.inTransaction.reach()
        settleOutcomes(of: batch, messages, except: behind.places, tallies: &tallies)
        let refused = behind.settle(batch.outbox, tallies: &tallies) { entry in
            _ = handler.setAside(entry, because: .queueFull, outbox: batch.outbox, now: now)
        }
        try handler.noteSetAside(refused, because: .queueFull, in: transaction)
        try keepAnswers(batch.entries + behind.refused.map(\.entry), messages, in: transaction)
        try outbox.insert(batch.outbox.records, in: transaction)
        let settled = spans.map { span in span.counting(tallies[span.partition] ?? Tally()) }
        try claimStore.advance(settled, in: transaction)
        metrics.published.increment(by: batch.outbox.records.count)
        return settled
    }

    private func makeBatch(
        _ messages: [Held<H.Input>],
        _ behind: BehindParked<H.Input>,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> Batch<H.Input> {
        var entries: [Entry<H.Input>] = []
        entries.reserveCapacity(messages.count)
        var keyed: [(Entry<H.Input>, InboxKey)] = []
        for place in messages.indices where behind.places.isEmpty || !behind.places.contains(place) {
            guard let entry = messages[place].newEntry() else { continue }
            entries.append(entry)
            if let key = messages[place].inboxKey { keyed.append((entry, key)) }
        }
        if !behind.refused.isEmpty {
            keyed += behind.refused.compactMap { refused in refused.inboxKey.map { (refused.entry, $0) } }
        }
        try Inbox(reach: configuration.inboxReach).admit(keyed, now: now, in: transaction)
        return Batch(entries, now: now)
    }

    /// Counts every message once and sends what cannot be handled to the dead letters.
    private func settleOutcomes(
        of batch: Batch<H.Input>,
        _ messages: [Held<H.Input>],
        except waiting: Set<Int>,
        tallies: inout [Int32: Tally]
    ) {
        let entries = batch.entries
        var next = 0
        // Messages of one partition follow each other, so their counts are added up before they are put away.
        var (partition, tally) = (messages.first?.partition ?? 0, Tally())
        for index in messages.indices where waiting.isEmpty || !waiting.contains(index) {
            let held = messages[index]
            if held.partition != partition {
                tallies[partition, default: Tally()].add(tally)
                (partition, tally) = (held.partition, Tally())
            }
            if let refusal = held.refusal {
                tally.count(.deadLettered(refusal.reason))
                sendToDeadLetters(held.message, refusal.reason, batch.outbox)
            } else {
                let outcome = entries[next].outcome
                next += 1
                tally.count(outcome)
                if case .deadLettered(let reason) = outcome { sendToDeadLetters(held.message, reason, batch.outbox) }
            }
        }
        tallies[partition, default: Tally()].add(tally)
    }

    private func sendToDeadLetters(_ message: KafkaMessageView, _ reason: Reason, _ outbox: OutboxBuffer) {
        logger.warning("dead-lettered: \(reason)", metadata: place(message))
        outbox.append(DeadLetter(message, reason: reason, group: configuration.group).record)
    }

    /// Keeps what a repeat of a message is answered with.
    private func keepAnswers(
        _ entries: [Entry<H.Input>],
        _ messages: [Held<H.Input>],
        in transaction: borrowing PostgresTransaction
    ) throws {
        let answered = entries.filter { $0.answer != nil && $0.admission == .first }
        guard !answered.isEmpty else { return }
        let ids = Dictionary(
            messages.compactMap { held in held.inboxKey.map { (Place(held.message), $0.requestID) } },
            uniquingKeysWith: { first, _ in first }
        )
        for entry in answered {
            guard let id = ids[Place(entry.message)], let answer = entry.answer else { continue }
            try transaction.submit("update inbox set answer = $2 where id = $1", [.uuid(id), .bytes(answer)])
        }
    }

    /// After the commit: the claims in memory follow, the offsets are stored for lag tools, the relay is woken.
    func finish(_ spans: [Span], took: Duration) {
        for span in spans {
            claims[span.partition]?.nextOffset = span.to
            claims[span.partition]?.isCautious = false
            claims[span.partition]?.condemnedOffset = nil
            metrics.count(span.tally)
            do {
                try consumer.storeOffset(KafkaPosition(topicPartition(span.partition), offset: span.to))
            } catch {
                logger.debug("the offset was not stored for lag tools: \(error)")
            }
        }
        metrics.batchSeconds.recordSeconds(took)
        relayWake.owe()
        wakeRelay()
    }

    /// Tells the relay that rows wait: after the commit, on its own, and not too often.
    func wakeRelay() {
        guard relayWake.take(at: .now) else { return }
        do {
            try connection.notifyUnheeded(OutboxRelayLane.channel)
        } catch {
            logger.debug("the relay was not woken; it looks by itself within 50 ms: \(error)")
        }
    }

    func place(_ message: KafkaMessageView) -> Logger.Metadata {
        [LogKey.partition: "\(message.partition)", LogKey.offset: "\(message.offset)"]
    }
}

/// Where a message lies: its identity within a lane.
struct Place: Hashable {
    let partition: Int32
    let offset: Int64

    init(_ message: KafkaMessageView) {
        partition = message.partition
        offset = message.offset
    }
}
