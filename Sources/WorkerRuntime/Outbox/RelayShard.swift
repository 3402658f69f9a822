/// One shard of the outbox under a lease: its messages leave in the order of their rows' ids.
///
/// Shards go out together. After a send that was in vain each goes apart, until something of its own went out; if that is
/// in vain, too, it rests between its tries, longer and longer, and the others go on.
struct RelayShard {
    /// The epoch of the lease: rows are deleted only while it lasts.
    let epoch: Int64
    /// How many more messages are sent one at a time, because one of them may be what the broker does not take.
    private(set) var aloneLeft = 0
    /// Whether its rows go out in a transaction of their own, because something in them may be in the others' way.
    private(set) var isApart = false
    /// How often in a row the brokers did not take what went out apart.
    private var holds = 0
    /// When it is tried again.
    private var restEnd: ContinuousClock.Instant?
    private static let longestRest = Duration.seconds(60)
    /// States of compacted topics that were handed to the producer since the shard was last seen to be held.
    private var states: Set<OutboxMessage.Identity> = []

    /// The keys of the states that were handed to the producer since the shard was last seen to be held.
    ///
    /// Whoever gives the shard up marks them: another owner may publish newer states before these arrive.
    var inFlight: Set<OutboxKey> { Set(states.map(\.key)) }

    /// The row that this version cannot read, and that was told of.
    private var unreadable: Int64?

    /// Takes a lease.
    ///
    /// - Parameter former: The shard as it was given up, whose trouble goes on.
    init(epoch: Int64, after former: RelayShard? = nil) {
        self.epoch = epoch
        guard let former else { return }
        (aloneLeft, isApart, holds, restEnd) = (former.aloneLeft, former.isApart, former.holds, former.restEnd)
    }

    /// Whether what it has goes out by itself for now.
    var isInTrouble: Bool { isAlone || isApart }

    /// Whether the shard's next messages are sent one at a time.
    var isAlone: Bool { aloneLeft > 0 }

    /// Whether only the shard's next row is of interest: it may go alone, or be the one that cannot be read.
    var wantsOneRow: Bool { isAlone || unreadable != nil }

    /// The places of the messages that leave: of several states of one key only the newest, where the topic is compacted.
    mutating func leaving(of messages: [OutboxMessage]) -> [Int] {
        var leaves = [Bool](repeating: true, count: messages.count)
        var seen = Set<OutboxMessage.Identity>(minimumCapacity: messages.count)
        for (place, message) in messages.enumerated().reversed() where message.coalesces {
            leaves[place] = seen.insert(message.identity).inserted
        }
        if states.isEmpty { states = seen } else { states.formUnion(seen) }
        return messages.indices.filter { leaves[$0] }
    }

    /// Notes the row that this version cannot read, if there is one; returns whether it is one that was not noted yet.
    mutating func stops(at id: Int64?) -> Bool {
        defer { unreadable = id }
        return id != nil && unreadable != id
    }

    /// Notes that the broker refused one of so many messages: they go alone until it is found.
    mutating func search(_ messages: Int) {
        aloneLeft = max(aloneLeft, messages)
    }

    /// Notes that something in the shard may be in the others' way: it goes apart.
    mutating func separate() {
        isApart = true
    }

    /// Notes that the brokers did not take what the shard sent apart; returns how long it rests.
    ///
    /// - Parameter limit: The longest rest; `nil` is for as long as it was in vain often enough for.
    mutating func hold(at now: ContinuousClock.Instant, atMost limit: Duration? = nil) -> Duration {
        isApart = true
        holds += 1
        let rest = min(rest, limit ?? rest)
        restEnd = now + rest
        return rest
    }

    /// Who was held least often goes first: otherwise those that are stuck would take all the time.
    var turn: Int { holds }

    /// Notes that what the shard sent went out: nothing in it is in the others' way.
    mutating func wentOut() {
        (isApart, holds, restEnd) = (false, 0, nil)
    }

    /// Notes that messages were published.
    mutating func published(_ messages: Int) {
        aloneLeft = max(0, aloneLeft - messages)
    }

    /// Notes that the message which the broker refused was found.
    mutating func found() {
        aloneLeft = 0
    }

    /// How long the shard rests after a try; the first time not at all, since it may have been the producer's trouble.
    private var rest: Duration {
        guard holds > 1 else { return .zero }
        let seconds = 1 << min(holds - 1, 6)
        return min(Duration.seconds(seconds), Self.longestRest)
    }

    /// Whether it is not to be tried yet.
    func rests(at now: ContinuousClock.Instant) -> Bool {
        restEnd.map { now < $0 } ?? false
    }

    /// How long its next try may take, while the others wait; `nil` is as long as the leases allow.
    var patience: Duration? { holds == 0 ? nil : max(Duration.seconds(1), rest / 8) }

    /// Notes that the shard was seen to be held after all that was sent.
    mutating func held() {
        states = []
    }
}
