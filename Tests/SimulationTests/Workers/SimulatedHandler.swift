@testable import WorkerRuntime

/// A message of a batch on its way through a handler.
final class SimulatedEntry {
    let message: Message
    var admission = Admission.first
    var outcome = Outcome.applied
    /// What a repetition is answered with where no command is.
    var answer: OutboxRecord?

    init(_ message: Message) {
        self.message = message
    }
}

/// The messages of one transaction.
final class SimulatedBatch {
    let entries: [SimulatedEntry]
    let now: Int64
    private(set) var outbox: [Message] = []

    init(_ entries: [SimulatedEntry], now: Int64) {
        (self.entries, self.now) = (entries, now)
    }

    func publish(_ record: OutboxRecord) {
        publish(Message(topic: record.topic, key: String(decoding: record.key, as: UTF8.self), body: .record(record)))
    }

    func publish(_ message: Message) { outbox.append(message) }
}

/// What a worker decides about a batch, with the same decisions as the real one.
protocol SimulatedHandler: AnyObject {
    /// Why a message cannot be read.
    func refusal(of message: Message) -> Reason?
    func inboxKey(of message: Message) -> InboxKey?
    func handle(_ batch: SimulatedBatch) throws
    /// What the sender of a message is told that nobody handles.
    func setAside(_ message: Message, because reason: Reason, now: Int64) -> OutboxRecord?
}

extension SimulatedHandler {
    func refusal(of message: Message) -> Reason? { nil }
    func inboxKey(of message: Message) -> InboxKey? { nil }
    func setAside(_ message: Message, because reason: Reason, now: Int64) -> OutboxRecord? { nil }
}
