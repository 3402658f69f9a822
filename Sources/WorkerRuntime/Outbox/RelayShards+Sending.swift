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
        /// How many of them left; the others were older states of the same keys.
        let left: Int
    }

    /// Publishes what waits in the shards; returns whether anything was there.
    func publish() throws -> Bool {
        let found = try rows.read(held.mapValues { $0.isAlone ? 1 : configuration.batchRows })
        let alone = found.filter { held[$0.key]?.isAlone == true }
        for (shard, rows) in alone.sorted(by: { $0.key < $1.key }) { try settle(try send([shard: rows])) }
        let together = found.filter { alone[$0.key] == nil }
        if !together.isEmpty { try settle(try send(together)) }
        return !found.isEmpty
    }

    /// Sends rows of shards that are held.
    ///
    /// - Returns: What the broker has; empty if it refused one of the rows, which go alone from now on until that one
    ///   is found and set aside.
    /// - Throws: ``KafkaError`` if nobody knows what the broker has.
    func send(_ found: [Int: [OutboxRow]]) throws -> [Int: Published] {
        var leaving: [OutboxRow] = []
        var published: [Int: Published] = [:]
        for (shard, rows) in found.sorted(by: { $0.key < $1.key }) {
            guard let epoch = held[shard]?.epoch, let mine = held[shard]?.leaving(of: rows) else { continue }
            published[shard] = Published(epoch: epoch, rows: rows, left: mine.count)
            leaving += mine
        }
        guard !leaving.isEmpty else { return [:] }
        switch try producer().publish(leaving.map { $0.record(prefix: configuration.topicPrefix) }) {
        case .published:
            TestSignal.afterPublish.reach()
            for (shard, rows) in published { held[shard]?.published(rows.rows.count) }
            return published
        case .refused(let error):
            if leaving.count == 1, let shard = published.keys.first {
                try setAside(leaving[0], of: shard, error)
            } else {
                for (shard, rows) in found { held[shard]?.search(rows.count) }
            }
            return [:]
        }
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
            metrics.coalesced.increment(by: rows.rows.count - rows.left)
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

    /// Moves a row that the broker will never take out of the way of those behind it.
    private func setAside(_ row: OutboxRow, of shard: Int, _ error: KafkaError) throws {
        logger.error("a message cannot be delivered: \(error)", metadata: [LogKey.topic: "\(row.topic)"])
        metrics.failed.increment()
        try rows.setAside(row, of: shard, epoch: held[shard]?.epoch ?? 0, reason: "\(error)")
        held[shard]?.found()
    }
}
