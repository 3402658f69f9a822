import Kafka

@testable import WorkerRuntime

/// A lane, step by step: it can be killed or held between any two of them.
///
/// What it decides is decided by the runtime's own values: the cut into transactions, the remedy of a failure, the
/// waits of parked keys, the tallies of the ledger. The order of the steps is that of `Lane`.
final class SimulatedLane: Participant {
    /// A message in hand.
    struct Held {
        let message: Message
        let epoch: Int64
        let refusal: Reason?
        let inboxKey: InboxKey?

        var partition: Int { message.partition }
    }

    /// What is to be done with messages in hand.
    enum Task {
        case settle([Held])
        case setAside(Held, Reason)
    }

    let topic: String
    let handler: any SimulatedHandler
    let database: Database
    let broker: Broker
    let dice: Dice
    let mutant: Mutant?
    let policy: RetryPolicy
    private let group: Group
    private let id: Int

    var claims: [Int: PartitionClaim] = [:]
    private var positions: [Int: Int64] = [:]
    private var unclaimed: Set<Int> = []
    private var unheld: Set<Int> = []
    /// The last one is done next.
    var tasks: [Task] = []
    var failures = FailureCount()
    var isRecovering = false
    /// Offsets to be stored for lag tools.
    var unstored: [Int: Int64] = [:]
    private var nextParkedVisit: Int64 = 0
    /// The parked key that was being tried when the connection was lost.
    var failedTry: (ParkedName, ParkedRemedy)?
    private var nextHousekeeping: Int64 = 0
    /// Until when its fetches hang, without any error; leaders answer nothing that is asked behind them.
    var hungUntil: Int64 = 0
    /// What was asked of where partitions end, and the answer that is under way.
    private var question: (resting: RestingPartitions, ends: [Int32: Int64])?
    /// How often the fence refused it.
    private(set) var fencedCount = 0

    static let batchCount = 20

    convenience init(_ topic: String, id: Int, _ handler: any SimulatedHandler, in world: World, at now: Int64) {
        self.init(topic, id: id, handler, over: world.database, in: world)
        group.join(id, at: now)
    }

    /// Makes a lane that has not joined its group.
    init(_ topic: String, id: Int, _ handler: any SimulatedHandler, over database: Database, in world: World) {
        (self.topic, self.id, self.handler, self.database) = (topic, id, handler, database)
        (broker, dice, mutant) = (world.broker, world.dice, world.mutant)
        policy = world.policy
        group = world.broker.group(topic)
    }

    var isBusy: Bool { !tasks.isEmpty || !unstored.isEmpty }

    func die(at now: Int64) {
        // Nobody says goodbye: the session ends by its timeout.
        tasks = []
    }

    func act(at now: Int64) -> Int64 {
        if isRecovering { return recover(at: now) }
        if !unstored.isEmpty {
            for (partition, offset) in unstored { broker.committed["\(topic)-\(partition)"] = offset }
            unstored = [:]
            return dice.pause
        }
        if let task = tasks.popLast() {
            perform(task, at: now)
            return dice.pause
        }
        answerGroup(at: now)
        claimAssigned(at: now)
        retryParked(at: now)
        if isRecovering { return dice.pause }
        noteConsumed(at: now)
        poll(at: now)
        keepHouse(at: now)
        return tasks.isEmpty ? (database.parked.rows.isEmpty ? 1_000_000 : 200_000) : dice.pause
    }

    private func poll(at now: Int64) {
        guard now >= hungUntil else { return }
        var hand: [Held] = []
        for (partition, claim) in claims.sorted(by: { $0.key < $1.key }) {
            let from = positions[partition] ?? claim.nextOffset
            let room = Self.batchCount - hand.count
            let read = broker.read(topic, partition, from: from, limit: room)
            claims[partition]?.endReached = read.isEmpty && room > 0 ? from : nil
            guard let last = read.last else { continue }
            positions[partition] = last.offset + 1
            for message in read where message.offset >= claim.nextOffset {
                let refusal = handler.refusal(of: message)
                let key = refusal == nil ? handler.inboxKey(of: message) : nil
                hand.append(Held(message: message, epoch: claim.epoch, refusal: refusal, inboxKey: key))
            }
        }
        if mutant == .offsetsFirst { storeFirst(hand) }
        let polled = hand
        let groups = transactionGroups(polled.count, isSuspect: { _ in false }, identity: { polled[$0].inboxKey })
        tasks = groups.reversed().map { .settle(Array(polled[$0])) }
    }

    // MARK: The group

    private func answerGroup(at now: Int64) {
        while let event = group.poll(id, at: now) {
            switch event {
            case .assigned(let partitions): unclaimed.formUnion(partitions)
            case .revoked(let partitions, let isLost):
                for partition in partitions {
                    claims[partition] = nil
                    unclaimed.remove(partition)
                    unheld.remove(partition)
                }
                if !isLost { group.release(id, partitions) }
            }
        }
    }

    private func claimAssigned(at now: Int64) {
        for partition in unclaimed.union(unheld).sorted() {
            do {
                guard let claim = try claim(partition, at: now) else { continue }
                claims[partition] = claim
                positions[partition] = claim.startOffset
                unclaimed.remove(partition)
                unheld.remove(partition)
            } catch {
                isRecovering = true
                return
            }
        }
    }

    /// Proves membership, raises the epoch; none where the group counts another as the owner, or does not say.
    private func claim(_ partition: Int, at now: Int64) throws -> PartitionClaim? {
        guard group.owns(id, partition), !dice.happens(.claimRefused) else { return nil }
        let name = ClaimName(topic: topic, partition: partition)
        return try database.transaction(at: now) {
            var row = database.claims[name] ?? ClaimRow()
            row.epoch += 1
            database.claims[name] = row
            return PartitionClaim(epoch: row.epoch, nextOffset: row.nextOffset)
        }
    }

    /// Claims again after the fence: only the group's word makes a partition lost.
    func reclaim(_ partitions: some Sequence<Int>) {
        for partition in partitions where claims.removeValue(forKey: partition) != nil {
            fencedCount += 1
            unheld.insert(partition)
        }
    }

    // MARK: Duties

    private func keepHouse(at now: Int64) {
        guard now >= nextHousekeeping, now >= database.awayUntil else { return }
        nextHousekeeping = now + 2_000_000
        let resting = RestingPartitions(asked: now, claims: numberedClaims.filter { $0.value.endReached != nil })
        let ends: [Int32: Int64] =
            if mutant == .silenceBelieved {
                resting.claims.compactMapValues(\.endReached)
            } else if now >= hungUntil {
                Dictionary(uniqueKeysWithValues: resting.claims.keys.map { ($0, broker.end(topic, Int($0))) })
            } else {
                [:]
            }
        question = (resting, ends)
    }

    /// Takes the answer of the leaders, a while after they were asked.
    private func noteConsumed(at now: Int64) {
        guard let asked = question, now >= database.awayUntil else { return }
        question = nil
        var lost: [Int] = []
        for one in asked.resting.consumed(upTo: asked.ends, standing: numberedClaims, besides: []) {
            let name = ClaimName(topic: topic, partition: Int(one.partition))
            guard var row = database.claims[name], row.epoch == one.epoch else {
                lost.append(Int(one.partition))
                continue
            }
            row.consumedUntil = max(row.consumedUntil ?? 0, one.until)
            database.claims[name] = row
        }
        database.claims.commit()
        reclaim(lost)
    }

    private var numberedClaims: [Int32: PartitionClaim] {
        Dictionary(uniqueKeysWithValues: claims.map { (Int32($0.key), $0.value) })
    }

    private func retryParked(at now: Int64) {
        guard now >= nextParkedVisit, !database.parked.rows.isEmpty else { return }
        // Which are due, the database says.
        guard now >= database.awayUntil else { return isRecovering = true }
        nextParkedVisit = now + 200_000
        let due = database.parked.rows
            .filter { $0.key.topic == topic && $0.value.due <= now && claims[$0.value.partition] != nil }
            .map { (name: $0.key, due: $0.value.due) }.sorted { ($0.due, $0.name.key) < ($1.due, $1.name.key) }
        do {
            try putOffFailedTry(at: now)
            for (name, _) in due { while try retryHead(of: name, at: now) {} }
        } catch {
            if case .fenced = Failure.classify(error) { return reclaim(Array(claims.keys)) }
            isRecovering = true
        }
    }

    /// Waits until the database answers, then learns what became of the claims.
    private func recover(at now: Int64) -> Int64 {
        answerGroup(at: now)
        guard now >= database.awayUntil else { return 100_000 }
        for (partition, claim) in claims {
            guard let row = database.claims[ClaimName(topic: topic, partition: partition)], row.epoch == claim.epoch
            else { continue }
            claims[partition]?.nextOffset = row.nextOffset
        }
        isRecovering = false
        return dice.pause
    }

    /// What a mutant does: the position moves on before anything is done.
    private func storeFirst(_ hand: [Held]) {
        for held in hand {
            let name = ClaimName(topic: topic, partition: held.partition)
            guard var row = database.claims[name], row.epoch == held.epoch else { continue }
            row.nextOffset = held.message.offset + 1
            database.claims[name] = row
        }
        database.claims.commit()
    }
}
