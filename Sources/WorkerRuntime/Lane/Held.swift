import Foundation
import Kafka

/// A message in a lane's hand, with the epoch under which it was polled; a suspect is decoded later than others.
///
/// A class, because what it holds is much to copy and goes through several lists.
final class Held<Input> {
    private(set) var message: KafkaMessageView
    /// The epoch of the claim when the message was polled: after a new claim the message is read again.
    let epoch: Int64
    /// What the handler decides about; `nil` where there is a refusal, or it is not decoded.
    private(set) var entry: Entry<Input>?
    private var wasTried = false
    /// Why it is not handled.
    private(set) var refusal: Refusal?
    /// What the inbox remembers of it.
    private(set) var inboxKey: InboxKey?

    /// A message that was decoded.
    init(_ input: Input, message: KafkaMessageView, epoch: Int64, inboxKey: InboxKey?) {
        self.message = message
        self.epoch = epoch
        self.inboxKey = inboxKey
        entry = Entry(input, message: message)
        refusal = nil
    }

    /// A message that is not handled.
    init(_ refusal: Refusal, message: KafkaMessageView, epoch: Int64) {
        self.message = message
        self.epoch = epoch
        self.refusal = refusal
        (entry, inboxKey) = (nil, nil)
    }

    /// A message that is decoded later, since that may end the worker.
    init(undecoded message: KafkaMessageView, epoch: Int64) {
        self.message = message
        self.epoch = epoch
        (entry, refusal, inboxKey) = (nil, nil, nil)
    }

    /// Whether it was decoded, or refused.
    var isDecoded: Bool { entry != nil || refusal != nil }

    /// Takes over what the same message was decoded to.
    func become(_ decoded: Held<Input>) {
        (message, entry) = (decoded.message, decoded.entry)
        (refusal, inboxKey) = (decoded.refusal, decoded.inboxKey)
    }

    /// The handler's input, unless there is a refusal.
    var input: Input? { entry?.input }

    /// The entry for a transaction that begins, with nothing of one that failed before; `nil` where there is a refusal.
    func newEntry() -> Entry<Input>? {
        if wasTried { entry?.forget() }
        wasTried = true
        return entry
    }

    var partition: Int32 { message.partition }
    var offset: Int64 { message.offset }
}

/// The part of a batch that lies in one partition: what the fence checks and where the claim goes on.
struct Span {
    let partition: Int32
    let epoch: Int64
    /// Where the claim must stand.
    let from: Int64
    /// Where it stands after the commit.
    let to: Int64
    let lastOffset: Int64
    let lastTimestamp: Int64
    var tally = Tally()

    /// The same span with its counts.
    func counting(_ tally: Tally) -> Span {
        var span = self
        span.tally = tally
        return span
    }

    /// The spans of messages in order of their partitions, which is the order in which claims are locked.
    static func of<Input>(_ messages: [Held<Input>], claims: [Int32: PartitionClaim]) -> [Span] {
        var last: [Int32: Int] = [:]
        for place in messages.indices {
            let partition = messages[place].partition
            guard place + 1 < messages.count, messages[place + 1].partition == partition else {
                last[partition] = place
                continue
            }
        }
        return last.keys.sorted().compactMap { partition in
            guard let claim = claims[partition], let place = last[partition] else { return nil }
            let message = messages[place]
            return Span(
                partition: partition,
                epoch: claim.epoch,
                from: claim.nextOffset,
                to: message.offset + 1,
                lastOffset: message.offset,
                lastTimestamp: message.message.timestampMilliseconds
            )
        }
    }
}

/// How many messages had which outcome: the ledger that must close.
struct Tally: Equatable {
    var consumed = 0
    var applied = 0
    var repeated = 0
    var stale = 0
    var rejected = 0
    var deadLettered = 0
    var parked = 0

    mutating func count(_ outcome: Outcome) {
        consumed += 1
        switch outcome {
        case .applied: applied += 1
        case .repeated: repeated += 1
        case .stale: stale += 1
        case .rejected: rejected += 1
        case .deadLettered: deadLettered += 1
        }
    }

    mutating func countParked() {
        consumed += 1
        parked += 1
    }

    mutating func add(_ other: Tally) {
        consumed += other.consumed
        applied += other.applied
        repeated += other.repeated
        stale += other.stale
        rejected += other.rejected
        deadLettered += other.deadLettered
        parked += other.parked
    }
}
