@testable import WorkerRuntime

/// A relay, step by step: leases, rows, the broker, the deletion.
///
/// Which rows leave, and which keys may be overtaken, is decided by the runtime's `RelayShard`.
final class SimulatedRelay: Participant {
    /// Rows that were read, and whether the broker has them.
    private struct InHand {
        let shard: Int
        let epoch: Int64
        let rows: [Row]
        /// The places of those that leave.
        let leaving: [Int]
        var isPublished = false
    }

    private let database: Database
    private let broker: Broker
    private let dice: Dice
    private let mutant: Mutant?
    private let id: Int
    private var held: [Int: RelayShard] = [:]
    private var hand: [InHand] = []
    private var nextLeases: Int64 = 0
    /// Keys that are to be published again.
    private var unmarked: Set<OutboxKey> = []

    private static let lease: Int64 = 5_000_000

    init(id: Int, in world: World) {
        self.id = id
        (database, broker, dice, mutant) = (world.database, world.broker, world.dice, world.mutant)
    }

    var isBusy: Bool { !hand.isEmpty }

    func die(at now: Int64) { hand = [] }

    func act(at now: Int64) -> Int64 {
        guard now >= database.awayUntil else { return 100_000 }
        mark()
        if hand.isEmpty, now >= nextLeases { visitLeases(at: now) }
        guard let next = hand.popLast() else {
            read()
            return hand.isEmpty ? 1_000_000 : dice.pause
        }
        next.isPublished ? settle(next) : publish(next, at: now)
        return dice.pause
    }

    private func visitLeases(at now: Int64) {
        nextLeases = now + 1_000_000
        for (shard, mine) in held {
            if var lease = database.leases[shard], lease.owner == id, lease.epoch == mine.epoch {
                lease.until = now + Self.lease
                database.leases[shard] = lease
            } else {
                letGo(shard)
            }
        }
        for shard in 0..<4 where held[shard] == nil {
            var lease = database.leases[shard] ?? LeaseRow()
            guard lease.until < now, held.count < 2 || dice.happens(percent: 30) else { continue }
            if let former = lease.producer, former != id, mutant != .relayUnfenced { broker.fence(former) }
            lease = LeaseRow(owner: id, epoch: lease.epoch + 1, until: now + Self.lease, producer: id)
            database.leases[shard] = lease
            held[shard] = RelayShard(epoch: lease.epoch)
        }
        database.leases.commit()
    }

    private func letGo(_ shard: Int) {
        guard let gone = held.removeValue(forKey: shard) else { return }
        hand.removeAll { $0.shard == shard }
        if mutant != .relayUnfenced { unmarked.formUnion(gone.inFlight) }
    }

    private func mark() {
        for key in unmarked { database.marks[key] = true }
        database.marks.commit()
        unmarked = []
    }

    private func read() {
        for shard in held.keys.sorted() {
            let rows = database.outbox.read(shard, limit: 50)
            guard !rows.isEmpty, let epoch = held[shard]?.epoch,
                let leaving = held[shard]?.leaving(of: rows.map(\.entry))
            else { continue }
            hand.append(InHand(shard: shard, epoch: epoch, rows: rows, leaving: leaving))
        }
        if mutant == .relayDeletesFirst {
            for task in hand { database.outbox.delete(task.shard, through: task.rows.last?.id ?? 0) }
        }
    }

    private func publish(_ task: InHand, at now: Int64) {
        if broker.fenced.contains(id) {
            // Its producer is refused: everything is given up and taken anew, under another one.
            for shard in held.keys { letGo(shard) }
            hand = []
            return broker.admit(id)
        }
        for place in task.leaving { broker.append(task.rows[place].message, at: now) }
        var task = task
        task.isPublished = true
        hand.append(task)
    }

    private func settle(_ task: InHand) {
        guard database.leases[task.shard]?.epoch == task.epoch else { return letGo(task.shard) }
        database.outbox.delete(task.shard, through: task.rows.last?.id ?? 0)
        held[task.shard]?.held()
    }
}
