import CoreMetrics
import Kafka
import Logging
import Postgres

/// Sending: one round is one Kafka transaction, read and deleted with one statement each, but for shards in trouble.
///
/// What the broker refuses is searched for: the shards of that transaction go apart, the one that is refused again sends
/// its messages one at a time, and the one that is refused is set aside; where it is the topic that is refused, only after a
/// while. What the brokers neither refuse nor take, as for a topic without a leader, holds its shard back, and no other.
extension RelayShards {
    /// Rows of one shard that the broker has.
    struct Published {
        /// The epoch of the lease under which they were read.
        let epoch: Int64
        let rows: [OutboxRow]
        /// How many of their messages left; the others were older states of the same keys.
        let left: Int

        var messages: Int { rows.reduce(0) { $0 + $1.messages.count } }
    }

    /// How long a round goes on with another transaction: the relay's pulse beats between rounds.
    private static let longestRound = Duration.seconds(10)

    /// Publishes what waits in the shards that do not rest; returns whether anything was there.
    ///
    /// - Throws: ``KafkaError`` if nobody knows what the broker has, or if the leases may have ended before it was asked.
    func publish() throws -> Bool {
        latestRound = 0
        let now = ContinuousClock.now
        let awake = held.filter { !$0.value.rests(at: now) }
        let waiting = try rows.read(awake.mapValues { $0.wantsOneRow ? 1 : rowsAtOnce })
        for (shard, rows) in waiting { noteUnreadable(rows.unreadable, of: shard) }
        let found = waiting.mapValues(\.rows).filter { !$0.value.isEmpty }
        for (place, party) in parties(of: found).enumerated() {
            // The rest goes out when the leases are renewed, so that each transaction has its time.
            let hasTime = leaseEnd - .now > configuration.leaseDuration / 2 && .now - now < Self.longestRound
            guard place == 0 || hasTime else { break }
            try publish(party)
        }
        if found.isEmpty { attend() }
        return !found.isEmpty
    }

    /// What goes out in one transaction each: all that is not in trouble, then each other shard by itself.
    private func parties(of found: [Int: [OutboxRow]]) -> [[Int: [OutboxRow]]] {
        let troubled = found.filter { held[$0.key]?.isInTrouble == true }
        let together = found.filter { troubled[$0.key] == nil }
        let turns = troubled.keys.sorted { (held[$0]?.turn ?? 0, $0) < (held[$1]?.turn ?? 0, $1) }
        let apart = turns.compactMap { shard in found[shard].map { [shard: $0] } }
        return together.isEmpty ? apart : [together] + apart
    }

    private func publish(_ party: [Int: [OutboxRow]]) throws {
        guard party.count == 1, let (shard, rows) = party.first, held[shard]?.isAlone == true else {
            return try settle(try send(party))
        }
        for row in rows { try settle(try sendAlone(row, of: shard)) }
    }

    /// Tells, once, of a row that keeps its shard waiting; it may be one of a newer version.
    private func noteUnreadable(_ id: Int64?, of shard: Int) {
        guard held[shard]?.stops(at: id) == true, let id else { return }
        logger.error(
            "a row of the outbox is not of the form that this version reads; its shard waits, the others go on",
            metadata: [LogKey.shard: "\(shard)", "row": "\(id)"]
        )
    }

    /// Sends rows of shards that are held.
    ///
    /// - Returns: What the broker has; empty if it took nothing, after which the shards go apart or alone until what was
    ///   in the way is found.
    /// - Throws: ``KafkaError`` if nobody knows what the broker has, or the producer is spent.
    func send(_ found: [Int: [OutboxRow]]) throws -> [Int: Published] {
        var leaving: [OutboxMessage] = []
        var published: [Int: Published] = [:]
        for (shard, rows) in found.sorted(by: { $0.key < $1.key }) {
            guard let epoch = held[shard]?.epoch else { continue }
            let messages = rows.flatMap(\.messages)
            let mine = held[shard]?.leaving(of: messages) ?? []
            published[shard] = Published(epoch: epoch, rows: rows, left: mine.count)
            leaving += mine.map { messages[$0] }
        }
        guard !leaving.isEmpty else { return [:] }
        let only = published.count == 1 ? published.keys.first : nil
        let sender = try producer()
        switch try sender.publish(leaving, before: leaseEnd, within: only.flatMap { held[$0]?.patience }) {
        case .published:
            TestSignal.afterPublish.reach()
            taken(leaving.count)
            refusals.taken(leaving)
            for shard in published.keys { held[shard]?.wentOut() }
            return published
        case .refused(let error):
            if let only { held[only]?.search(published[only]?.messages ?? 0) } else { separate(published.keys, error) }
            try goOn(with: sender, error)
        case .held(let error):
            if let only { hold(only, error) } else { separate(published.keys, error) }
            try goOn(with: sender, error)
            try changeProducer()
        }
        return [:]
    }

    /// Sends the messages of a row one at a time, because one of them may be what the broker refuses.
    ///
    /// - Returns: What the broker has; empty if it did not take one of the messages, or refused one, which was set aside or
    ///   waits for its topic.
    private func sendAlone(_ row: OutboxRow, of shard: Int) throws -> [Int: Published] {
        guard let epoch = held[shard]?.epoch, let places = held[shard]?.leaving(of: row.messages) else { return [:] }
        for place in places {
            let sender = try producer()
            let topic = row.messages[place].topic
            // Librdkafka takes its time before it refuses a topic that it does not know yet.
            let patience = refusals.contains(topic) ? nil : held[shard]?.patience
            switch try sender.publish([row.messages[place]], before: leaseEnd, within: patience) {
            case .published:
                TestSignal.afterPublish.reach()
                refusals.taken(topic)
            case .refused(let error):
                if try !waits(for: topic, place, of: row, of: shard, error) {
                    try setAside(place, of: row, of: shard, error)
                }
                try goOn(with: sender, error)
                return [:]
            case .held(let error):
                hold(shard, error)
                try goOn(with: sender, error)
                try changeProducer()
                return [:]
            }
        }
        held[shard]?.published(row.messages.count)
        held[shard]?.wentOut()
        return [shard: Published(epoch: epoch, rows: [row], left: places.count)]
    }

    /// Goes on after a batch that was not taken; a producer that is spent is made anew by whoever catches the error.
    private func goOn(with sender: RelayProducer, _ error: KafkaError) throws(KafkaError) {
        if sender.isSpent { throw error }
        tookTooLong(error)
    }

    /// Has shards go apart after they were in vain sent together.
    private func separate(_ shards: some Sequence<Int>, _ error: KafkaError) {
        logger.warning("what was sent together goes shard by shard: \(error)")
        for shard in shards { held[shard]?.separate() }
    }

    /// Has a shard rest before a message whose topic is refused, unless it was for long enough; returns whether it does.
    private func waits(
        for topic: String,
        _ place: Int,
        of row: OutboxRow,
        of shard: Int,
        _ error: KafkaError
    ) throws -> Bool {
        guard let patience = configuration.patience(with: error) else { return false }
        let left = refusals.note(topic, patience: patience, at: .now)
        guard left > .zero else { return false }
        // What went out before it would go out again with each try.
        try rows.shorten(row, by: place, of: shard, epoch: held[shard]?.epoch ?? 0)
        held[shard]?.published(place)
        hold(shard, error, atMost: left)
        return true
    }

    /// Has a shard rest whose rows the brokers did not take; the others go on.
    private func hold(_ shard: Int, _ error: KafkaError, atMost limit: Duration? = nil) {
        guard let rest = held[shard]?.hold(at: .now, atMost: limit) else { return }
        logger.warning(
            "a shard is tried again in \(rest.milliseconds) ms, the others go on: \(error)",
            metadata: [LogKey.shard: "\(shard)"]
        )
    }

    /// Deletes what was published, and repairs what another owner may have overtaken.
    ///
    /// If a shard is no longer held, the new owner may have published newer states before these came: a broker that
    /// does not fence has then an old one as a key's last word. So the keys are marked, and their newest state is sent
    /// again.
    func settle(_ published: [Int: Published]) throws {
        let deleted = try rows.delete(published)
        for (shard, rows) in published.sorted(by: { $0.key < $1.key }) {
            metrics.published.increment(by: rows.left)
            metrics.coalesced.increment(by: rows.messages - rows.left)
            if deleted.contains(shard) {
                held[shard]?.held()
            } else {
                metrics.fenced.increment()
                logger.warning(
                    "the shard has another owner, who publishes its rows again",
                    metadata: [LogKey.shard: "\(shard)"]
                )
                unmarked.formUnion(held[shard]?.inFlight ?? [])
                held[shard]?.held()
                try mark()
            }
        }
    }

    /// Moves a message that the broker will never take out of the way of those behind it.
    private func setAside(_ place: Int, of row: OutboxRow, of shard: Int, _ error: KafkaError) throws {
        let topic = row.messages[place].topic
        logger.error("a message cannot be delivered: \(error)", metadata: [LogKey.topic: "\(topic)"])
        metrics.failed.increment()
        try rows.setAside(place, of: row, of: shard, epoch: held[shard]?.epoch ?? 0, reason: "\(error)")
        held[shard]?.found()
    }
}
