/// The messages of a batch whose key is parked: the handler is not given them.
struct BehindParked<Input> {
    /// The places of all of them in the batch.
    var places: Set<Int> = []
    /// Those that found the queue full and whose senders are answered.
    var refused: [RefusedMessage<Input>] = []

    /// Publishes the answers and counts the messages; one that was decided before has had its answer.
    func settle(_ outbox: OutboxBuffer, tallies: inout [Int32: Tally]) {
        for message in refused {
            var outcome = Outcome.rejected(.queueFull)
            if case .repeated = message.entry.admission {
                outcome = .repeated
            } else {
                for record in message.answer { outbox.append(record) }
            }
            tallies[message.entry.message.partition, default: Tally()].count(outcome)
        }
    }
}

/// A message for which there was no room behind the failed one of its key.
struct RefusedMessage<Input> {
    let entry: Entry<Input>
    let inboxKey: InboxKey?
    /// What its sender is told.
    let answer: [OutboxRecord]
}
