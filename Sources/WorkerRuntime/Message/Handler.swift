public import Postgres

/// What a worker does with the messages of its topic.
///
/// One instance serves one lane, on that lane's thread. ``decode(_:)`` runs outside any transaction;
/// ``handle(_:in:)`` runs inside one, after the fence and the inbox, and must do nothing that cannot be rolled back.
///
/// A handler that throws decides the batch's fate by what it throws: a transient `PostgresError` repeats the batch;
/// anything else is taken as the fault of one message, which is found by splitting the batch and then parked with its
/// key (or dead-lettered, see ``parksFailures``).
public protocol Handler {
    /// The decoded form of one message.
    associatedtype Input

    /// Whether a message that fails is parked with its key and tried again.
    ///
    /// `false` dead-letters it at once: right for facts that a newer fact will replace.
    var parksFailures: Bool { get }

    /// Turns a message into the handler's input; pure, and on the hot path.
    func decode(_ message: KafkaMessageView) throws(Refusal) -> Input

    /// What the inbox remembers of this input, or `nil` for facts that carry their own version.
    func inboxKey(of input: Input) -> InboxKey?

    /// Whether a message waits behind a failed one of its key.
    ///
    /// `false` for one that is refused whatever comes before it, and so takes no room from others.
    func waitsBehindOthers(_ input: Input) -> Bool

    /// What a parked message keeps in place of headers that are not kept, such as who was proved to have sent it.
    ///
    /// The names begin with ``KafkaMessageView/keptPrefix``; only a message that comes from the parked ones has such
    /// headers, whatever its sender wrote.
    func keptHeaders(of input: Input) -> [(String, String)]

    /// The message as it may be kept: parked, or as a dead letter.
    ///
    /// What a sender wrote that must not stay is left out.
    func keepable(_ message: KafkaMessageView) -> KafkaMessageView

    /// Submits what the batch's decisions read, and waits for nothing: it travels with the fence.
    ///
    /// Comes first in the batch's transaction, with the entries that ``handle(_:in:)`` is given then, unless some of them
    /// wait behind others of their keys. Locks are taken in the handler's usual order.
    func prepare(_ entries: [Entry<Input>], in transaction: borrowing PostgresTransaction) throws

    /// Decides the batch: sets each entry's outcome, writes state, and appends what is to be published.
    func handle(_ batch: Batch<Input>, in transaction: borrowing PostgresTransaction) throws

    /// Tells the sender of a message that it is not handled, by appending to the outbox; changes nothing else.
    ///
    /// - Parameters:
    ///   - entry: The message; its ``Entry/answer`` is kept for repeats where the queue was full.
    ///   - why: Whether too much waits behind a failed message of its key, or it failed for the last time itself.
    ///   - now: The database's clock: microseconds since 1970.
    /// - Returns: Whether the sender was answered. What found its queue full is then rejected; otherwise its partition
    ///   waits until there is room. What failed for the last time goes to the dead letters in any case.
    func setAside(_ entry: Entry<Input>, because why: SetAside, outbox: OutboxBuffer, now: Int64) -> Bool

    /// Writes down what became of messages that nobody handled, in the transaction that settles them.
    func noteSetAside(
        _ entries: [Entry<Input>],
        because why: SetAside,
        in transaction: borrowing PostgresTransaction
    ) throws
}

extension Handler {
    /// Failures are parked unless a handler says otherwise.
    public var parksFailures: Bool { true }

    /// Messages wait behind others of their key unless a handler says otherwise.
    public func waitsBehindOthers(_ input: Input) -> Bool { true }

    /// Nothing is read before the batch is decided, unless a handler says otherwise.
    public func prepare(_ entries: [Entry<Input>], in transaction: borrowing PostgresTransaction) throws {}

    /// Nothing is kept unless a handler says otherwise.
    public func keptHeaders(of input: Input) -> [(String, String)] { [] }

    /// Messages are kept as they are unless a handler says otherwise.
    public func keepable(_ message: KafkaMessageView) -> KafkaMessageView { message }

    /// Senders are not answered unless a handler says otherwise.
    public func setAside(_ entry: Entry<Input>, because why: SetAside, outbox: OutboxBuffer, now: Int64) -> Bool {
        false
    }

    /// Nothing is written down unless a handler says otherwise.
    public func noteSetAside(
        _ entries: [Entry<Input>],
        because why: SetAside,
        in transaction: borrowing PostgresTransaction
    ) throws {}
}
