import CoreMetrics
import Kafka
import Logging
import Postgres

/// Sending: one round is one Kafka transaction, read and deleted with one statement each.
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

    /// Publishes what waits in the shards; returns whether anything was there.
    ///
    /// - Throws: ``KafkaError`` if nobody knows what the broker has, or if the leases may have ended before it was asked.
    func publish() throws -> Bool {
        latestRound = 0
        let waiting = try rows.read(held.mapValues { $0.wantsOneRow ? 1 : rowsAtOnce })
        for (shard, rows) in waiting { noteUnreadable(rows.unreadable, of: shard) }
        let found = waiting.mapValues(\.rows).filter { !$0.value.isEmpty }
        let alone = found.filter { held[$0.key]?.isAlone == true }
        for (shard, rows) in alone.sorted(by: { $0.key < $1.key }) {
            for row in rows { try settle(try sendAlone(row, of: shard)) }
        }
        let together = found.filter { alone[$0.key] == nil }
        if !together.isEmpty { try settle(try send(together)) }
        return !found.isEmpty
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
    /// - Returns: What the broker has; empty if it refused one of the messages, which go alone from now on until that
    ///   one is found and set aside.
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
        let sender = try producer()
        switch try sender.publish(leaving, before: leaseEnd) {
        case .published:
            TestSignal.afterPublish.reach()
            taken(leaving.count)
            return published
        case .refused(let error):
            for (shard, rows) in published { held[shard]?.search(rows.messages) }
            if sender.isSpent { throw error }
            return [:]
        }
    }

    /// Sends the messages of a row one at a time, because one of them may be what the broker refuses.
    ///
    /// - Returns: What the broker has; empty if it refused one of the messages, which was set aside.
    private func sendAlone(_ row: OutboxRow, of shard: Int) throws -> [Int: Published] {
        guard let epoch = held[shard]?.epoch, let places = held[shard]?.leaving(of: row.messages) else { return [:] }
        for place in places {
            let sender = try producer()
            switch try sender.publish([row.messages[place]], before: leaseEnd) {
            case .published: TestSignal.afterPublish.reach()
            case .refused(let error):
                try setAside(place, of: row, of: shard, error)
                if sender.isSpent { throw error }
                return [:]
            }
        }
        held[shard]?.published(row.messages.count)
        return [shard: Published(epoch: epoch, rows: [row], left: places.count)]
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
