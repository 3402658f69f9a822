public import Postgres
public import WorkerRuntime

/// Keeps the store of observed objects, adds them up to the health of instances, and publishes what changed.
///
/// The hot path: a batch is decided in memory and written with a fixed number of statements, whatever its size.
public final class ResourceHandler: Handler {
    /// The executable that runs it, for ledgers and for the events' source.
    static let worker = "resource-worker"
    static let source = "/slipway/\(worker)"
    /// How long an agent that was asked for a hello is not asked again.
    private static let helloPause: Int64 = 10_000_000

    private let decoder: ResourceDecoder
    private let fleetKey: FleetKey
    private let store = ResourceStore()
    private let clusters = ClusterEpochs()
    private let instances = InstanceHealthStore()
    private let memory = ResourceMemory()
    private let reading: ResourceReading
    /// What was asked for the batch that comes.
    private var asked: ResourceReading.Asked?
    private var helloAsked: [String: Int64] = [:]

    /// Makes the handler of one lane.
    ///
    /// - Parameters:
    ///   - fleetKey: Signs what is asked of agents.
    ///   - verifier: Tells whether a message comes from the cluster it names.
    public init(fleetKey: FleetKey, verifier: any SignatureVerifier) {
        self.fleetKey = fleetKey
        decoder = ResourceDecoder(verifier: verifier)
        reading = ResourceReading(store: store, clusters: clusters, memory: memory)
    }

    /// Makes the handler of one lane, which checks signatures with keys derived from the fleet's.
    public convenience init(fleetKey: FleetKey) {
        self.init(fleetKey: fleetKey, verifier: AgentSignatures(fleetKey))
    }

    /// A newer fact replaces one that fails, so nothing waits behind it.
    public var parksFailures: Bool { false }

    /// Facts carry their own version.
    public func inboxKey(of input: ResourceMessage) -> InboxKey? { nil }

    /// Checks the sender and reads the fact.
    public func decode(_ message: KafkaMessageView) throws(Refusal) -> ResourceMessage {
        try decoder.decode(message)
    }

    /// Asks for what the batch is decided on; see ``Handler/prepare(_:in:)``.
    public func prepare(_ entries: [Entry<ResourceMessage>], in transaction: borrowing PostgresTransaction) throws {
        asked = nil
        asked = try reading.ask(entries, in: transaction)
    }

    /// Decides the batch; see ``Handler/handle(_:in:)``.
    public func handle(_ batch: Batch<ResourceMessage>, in transaction: borrowing PostgresTransaction) throws {
        let read = try read(batch.entries, in: transaction)
        var restored: Set<String> = []
        let admitted = batch.entries.indices.filter { place in
            let entry = batch.entries[place]
            guard let outcome = Self.refuse(entry.input, by: read.clusters[entry.input.stream.cluster], now: batch.now)
            else { return true }
            if case .ahead = outcome { restored.insert(entry.input.stream.cluster) }
            entry.outcome = outcome.outcome
            return false
        }
        var plan = ResourcePlan(
            read.ids,
            stored: read.stored,
            streams: read.streams,
            now: batch.now,
            numbersBegin: read.clusters.values.first?.numbersBegin ?? 0
        )
        for place in admitted {
            batch.entries[place].outcome = plan.take(batch.entries[place].input, entry: place)
        }
        let written = try write(plan, after: read, of: batch, in: transaction)
        // Everybody locks clusters before instances.
        try ask(plan.wantedSnapshots, hello: restored, of: read.clusters, batch, in: transaction)
        try rollUp(try publish(written, batch, in: transaction), batch, in: transaction)
    }

    // MARK: Steps

    private func read(
        _ entries: [Entry<ResourceMessage>],
        in transaction: borrowing PostgresTransaction
    ) throws -> ResourceReading.Read {
        defer { asked = nil }
        if let asked, asked.isFor(entries) { return try reading.answers(to: asked, in: transaction) }
        return try reading.answers(to: try reading.ask(entries, in: transaction), in: transaction)
    }

    /// Why a message counts for nothing.
    private enum Refused {
        case sender(Reason)
        case behind
        case ahead

        var outcome: Outcome {
            switch self {
            case .sender(let reason): .deadLettered(reason)
            case .behind, .ahead: .stale
            }
        }
    }

    /// Whether the message is from a cluster, a key and an epoch that count.
    private static func refuse(_ message: ResourceMessage, by cluster: ClusterEpochs.Row?, now: Int64) -> Refused? {
        let name = message.stream.cluster
        guard let cluster else {
            return .sender(
                Reason(
                    code: "unknown_cluster",
                    sentence: "The cluster '\(name)' is not registered; send slipway.cluster.register.v1 first.",
                    field: "key"
                )
            )
        }
        if let reason = cluster.keys.refusal(of: message.keyID, cluster: name, now: now) { return .sender(reason) }
        if message.position.epoch < cluster.epoch { return .behind }
        return message.position.epoch > cluster.epoch ? .ahead : nil
    }

    /// What was written and is not answered yet.
    private struct Written {
        let rows: PostgresSubmission?
        let count: Int
        let changed: [ResourceHistory]
        let swept: [SweptResource]
    }

    /// Writes objects and streams, without waiting for it.
    private func write(
        _ plan: ResourcePlan,
        after read: ResourceReading.Read,
        of batch: Batch<ResourceMessage>,
        in transaction: borrowing PostgresTransaction
    ) throws -> Written {
        let mark = Int64.random(in: 1...Int64.max)
        let changed = plan.histories.filter(\.isChanged)
        var rows = ResourceRows(capacity: changed.count)
        for history in changed {
            guard let state = history.result else { continue }
            rows.append(history.id, state, object: history.objectEntry.map { batch.entries[$0] })
        }
        let written = rows.count > 0 ? try store.submitWrite(rows, now: batch.now, in: transaction) : nil
        let swept = try store.sweep(plan.sweeps, now: batch.now, in: transaction)
        if !plan.streams.isEmpty {
            try store.advance(
                plan.streams,
                in: read.partitions,
                mark: mark,
                locked: read.marks,
                now: batch.now,
                in: transaction
            )
        }
        memory.take(plan.histories, of: read.marks.keys, mark: mark)
        for stream in Set(swept.map(\.id.stream)) { memory.forget(stream) }
        return Written(rows: written, count: rows.count, changed: changed, swept: swept)
    }

    /// Publishes what can be seen, and returns what was asked of the instances that it touches.
    ///
    /// Their locks travel with what was written; what another lane was ahead with is known behind it.
    private func publish(
        _ written: Written,
        _ batch: Batch<ResourceMessage>,
        in transaction: borrowing PostgresTransaction
    ) throws -> InstanceHealthStore.Asked {
        var visible = written.changed.filter(\.isVisiblyChanged)
        var asked = try instances.ask(Self.touched(by: visible, written.swept), memory, in: transaction)
        if let rows = written.rows, try transaction.result(of: rows).affected < written.count {
            let lost = try store.overtaken(written.changed, in: transaction).subtracting(written.swept.map(\.id))
            for stream in Set(lost.map(\.stream)) { memory.forget(stream) }
            visible.removeAll { lost.contains($0.id) }
            asked = try instances.ask(Self.touched(by: visible, written.swept), memory, in: transaction)
        }
        publish(visible, written.swept, batch)
        return asked
    }

    private static func touched(by changed: [ResourceHistory], _ swept: [SweptResource]) -> [InstanceID] {
        var touched: Set<InstanceID> = []
        for history in changed {
            for instance in history.instances {
                touched.insert(InstanceID(stream: history.id.stream, instance: instance))
            }
        }
        for resource in swept {
            guard let instance = resource.instance else { continue }
            touched.insert(InstanceID(stream: resource.id.stream, instance: instance))
        }
        return touched.sorted()
    }

    private func publish(_ changed: [ResourceHistory], _ swept: [SweptResource], _ batch: Batch<ResourceMessage>) {
        let gone = Set(swept.map(\.id))
        let head = ResourceStatus.head(at: batch.now)
        for history in changed where !gone.contains(history.id) {
            guard let state = history.result else { continue }
            batch.outbox.append(ResourceStatus.record(of: history.id, state, head))
        }
        for resource in swept {
            batch.outbox.append(ResourceStatus.tombstone(of: resource.id, revision: resource.revision, at: batch.now))
        }
    }

    /// Asks agents for snapshots and hellos; their clusters' rows are locked first, because they are the records' keys.
    private func ask(
        _ snapshots: Set<StreamID>,
        hello restored: Set<String>,
        of known: [String: ClusterEpochs.Row],
        _ batch: Batch<ResourceMessage>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let due = restored.filter { batch.now - (helloAsked[$0] ?? 0) >= Self.helloPause }
        let names = due.union(snapshots.map(\.cluster)).sorted()
        guard !names.isEmpty else { return }
        try clusters.lock(names, in: transaction)
        for cluster in names {
            guard let row = known[cluster] else { continue }
            let post = AgentPost(
                fleetKey: fleetKey,
                worker: Self.worker,
                cluster: cluster,
                epoch: row.epoch,
                keyID: row.keys.signing(now: batch.now)
            )
            if due.contains(cluster) { batch.outbox.append(post.helloRequested(now: batch.now)) }
            for stream in snapshots.filter({ $0.cluster == cluster }).sorted() {
                batch.outbox.append(post.snapshotRequested(stream.namespace, now: batch.now))
            }
        }
        for cluster in due { helloAsked[cluster] = batch.now }
    }

    /// Adds up the objects of the instances touched, and looks at the commands that wait for them.
    private func rollUp(
        _ touched: InstanceHealthStore.Asked,
        _ batch: Batch<ResourceMessage>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard !touched.ids.isEmpty else { return }
        let (locked, tallies) = try instances.answers(to: touched, memory, in: transaction)
        let changed = locked.compactMap { $0.instance.updated(by: InstanceRollUp(tallies[$0.place])) }
        try instances.write(changed, now: batch.now, in: transaction)
        if !changed.isEmpty {
            try InstanceProgress(worker: Self.worker)
                .publish(changed.map(\.id), outbox: batch.outbox, in: transaction)
        }
        let waiting = locked.map(\.instance).filter(\.hasOpenCommand).map(\.id)
        try WindowRefresh.run(instances: waiting, now: batch.now, in: transaction)
    }
}
