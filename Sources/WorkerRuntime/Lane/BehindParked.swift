import Foundation
import Logging
import Postgres

/// The messages of a batch whose key is parked: the handler is not given them.
struct BehindParked<Input> {
    /// The places of all of them in the batch.
    var places: Set<Int> = []
    /// Those that found the queue full and whose senders are answered.
    var refused: [RefusedMessage<Input>] = []

    /// Publishes the answers and counts the messages; one that was decided before has had its answer.
    ///
    /// - Parameter answer: Answers a message once more, now that the inbox is known to hold another one under its id.
    /// - Returns: Those that were answered now.
    func settle(
        _ outbox: OutboxBuffer,
        tallies: inout [Int32: Tally],
        answering answer: (Entry<Input>) -> Void
    ) -> [Entry<Input>] {
        var answered: [Entry<Input>] = []
        for message in refused {
            var outcome = Outcome.rejected(.queueFull)
            switch message.entry.admission {
            case .repeated: outcome = .repeated
            case .idReused: answer(message.entry)
            case .first, .tooOld: for record in message.answer { outbox.append(record) }
            }
            if outcome != .repeated { answered.append(message.entry) }
            tallies[message.entry.message.partition, default: Tally()].count(outcome)
        }
        return answered
    }
}

/// A message for which there was no room behind the failed one of its key.
struct RefusedMessage<Input> {
    let entry: Entry<Input>
    let inboxKey: InboxKey?
    /// What its sender is told.
    let answer: [OutboxRecord]
}

extension Lane {
    /// Queues messages whose key is parked behind it.
    ///
    /// What finds the queue full is refused where its sender can be told; otherwise the transaction ends with ``NoRoom``,
    /// and its partition waits. What cannot be decoded does not queue: it goes to the dead letters in any case. Nor does
    /// what is refused in any case.
    ///
    /// The lock on the key's row is what keeps order: who empties the queue holds it too.
    func queueBehindParked(
        _ messages: [Held<H.Input>],
        now: Int64,
        tallies: inout [Int32: Tally],
        in transaction: borrowing PostgresTransaction
    ) throws -> BehindParked<H.Input> {
        var behind = BehindParked<H.Input>()
        guard handler.parksFailures else { return behind }
        let keys = Set(messages.compactMap(\.message.keyBytes)).sorted { $0.lexicographicallyPrecedes($1) }
        guard !keys.isEmpty else { return behind }
        var parked = try parkedQueue.lock(keys, in: transaction)
        guard !parked.isEmpty else { return behind }
        var full: [Int32: FullQueue] = [:]
        for (index, held) in messages.enumerated() where full[held.partition] == nil {
            guard let input = held.input, let key = held.message.keyBytes, let queue = parked[key],
                handler.waitsBehindOthers(input)
            else { continue }
            behind.places.insert(index)
            let bytes = held.message.valueCount
            if !configuration.retries.isFull(messages: queue.messages, bytes: queue.bytes, adding: bytes) {
                try parkedQueue.append(held.message, keeping: handler.keptHeaders(of: input), in: transaction)
                parked[key] = (queue.messages + 1, queue.bytes + bytes)
                tallies[held.partition, default: Tally()].countParked()
            } else if let refused = refuse(held, input, now: now) {
                behind.refused.append(refused)
            } else {
                full[held.partition] = FullQueue(held.message, key: key)
            }
        }
        guard full.isEmpty else { throw NoRoom(queues: full.values.sorted { $0.partition < $1.partition }) }
        return behind
    }

    /// Has the sender of a message answered for which there is no room; `nil` where the handler answers nobody.
    private func refuse(_ held: Held<H.Input>, _ input: H.Input, now: Int64) -> RefusedMessage<H.Input>? {
        let entry = Entry(input, message: held.message)
        let answer = OutboxBuffer()
        guard handler.setAside(entry, because: .queueFull, outbox: answer, now: now) else { return nil }
        return RefusedMessage(entry: entry, inboxKey: held.inboxKey, answer: answer.records)
    }
}

extension Reason {
    static let queueFull = Reason(
        code: "queue_full",
        sentence: "Too many messages wait behind a failed message of the same key; this one was not queued."
    )
}
