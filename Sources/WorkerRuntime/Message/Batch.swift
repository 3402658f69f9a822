/// What becomes of one message; every message has exactly one outcome, and each is counted.
public enum Outcome: Sendable, Hashable {
    /// It changed what it should.
    case applied
    /// It was seen before.
    case repeated
    /// A newer fact is known already.
    case stale
    /// It was understood and refused; its sender gets an answer.
    case rejected(Reason)
    /// It cannot be handled; it goes to the topic's dead letters.
    case deadLettered(Reason)
}

/// What the inbox says of a message.
public enum Admission: Sendable, Hashable {
    /// Never seen, or the handler keeps no inbox.
    case first
    /// Seen before, with the same content. The answer is what the handler kept for it, if anything.
    case repeated(answer: [UInt8]?)
    /// The same identity was seen with other content; the first one stays.
    case idReused
    /// Older than the inbox reaches, so nobody can say whether it was seen.
    case tooOld
}

/// One message of a batch on its way through a handler.
public final class Entry<Input> {
    /// The decoded message.
    public let input: Input
    /// The message itself.
    public let message: KafkaMessageView
    /// What the inbox says of it.
    public var admission: Admission {
        if let earlier { return .repeated(answer: earlier.answer) }
        return remembered
    }
    /// What the inbox's table says of it.
    var remembered: Admission = .first
    /// The message of the same batch that this one repeats; it is handled first, so its answer is known by then.
    ///
    /// A lane cuts its batches before a repetition, so that only batches of others have one.
    var earlier: Entry?
    /// What became of it; the handler sets it.
    public var outcome: Outcome = .applied
    /// What a repeat of this message is answered with where no command row exists, such as a rejection.
    public var answer: [UInt8]?

    /// Makes an entry; the runtime and tests of handlers do.
    public init(_ input: Input, message: KafkaMessageView, admission: Admission = .first) {
        self.input = input
        self.message = message
        remembered = admission
    }

    /// Forgets what a transaction that failed made of it.
    func forget() {
        remembered = .first
        earlier = nil
        outcome = .applied
        answer = nil
    }
}

/// The messages of one transaction, in the order of their partitions.
public final class Batch<Input> {
    /// Those that were decoded and do not wait behind a parked message of their key.
    public let entries: [Entry<Input>]
    /// The database's clock, read in this transaction: microseconds since 1970.
    public let now: Int64
    /// What is to be published when the transaction commits.
    public let outbox: OutboxBuffer

    /// Makes a batch; the runtime and tests of handlers do.
    public init(_ entries: [Entry<Input>], now: Int64, outbox: OutboxBuffer = OutboxBuffer()) {
        self.entries = entries
        self.now = now
        self.outbox = outbox
    }
}
