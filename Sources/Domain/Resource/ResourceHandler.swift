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
    private var helloAsked: [String: Int64] = [:]

    /// Makes the handler of one lane.
    ///
    /// - Parameters:
    ///   - fleetKey: Signs what is asked of agents.
    ///   - verifier: Tells whether a message comes from the cluster it names.
    public init(fleetKey: FleetKey, verifier: any SignatureVerifier) {
        self.fleetKey = fleetKey
        decoder = ResourceDecoder(verifier: verifier)
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
        let touched = try write(plan, after: read, of: batch, in: transaction)
        try ask(plan.wantedSnapshots, hello: restored, of: read.clusters, batch, in: transaction)
        try rollUp(touched, batch, in: transaction)
    }

    // MARK: Steps

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

    /// What a batch is decided on.
    private struct Read {
        let clusters: [String: ClusterEpochs.Row]
        let ids: [ResourceID]
        let stored: [ResourceState?]
        let streams: [StreamID: StreamState]
        /// The marks of the streams whose rows are there and locked.
        let marks: [StreamID: Int64]
        /// The partition in which the newest message of each stream lay.
        let partitions: [StreamID: Int32]
    }

    /// Reads, in one round trip, the clusters, and the streams and objects that messages speak of, which are locked.
    ///
    /// Also those of messages that will not count: few do not, and a lock that was not needed harms nobody. Objects that
    /// are remembered are read only if it turns out that another transaction has written to their stream.
    private func read(
        _ entries: [Entry<ResourceMessage>],
        in transaction: borrowing PostgresTransaction
    ) throws -> Read {
        var ids: [ResourceID] = []
        var seen: Set<ResourceID> = []
        var partitions: [StreamID: Int32] = [:]
        for entry in entries {
            partitions[entry.input.stream] = entry.message.partition
            if let id = entry.input.fact.id, seen.insert(id).inserted { ids.append(id) }
        }
        let followed = Set(partitions.keys)
        var stored = ids.map(memory.state)
        let known = try clusters.submitRead(Set(followed.map(\.cluster)).sorted(), in: transaction)
        let locked = try store.submitLock(ofStreams: followed.sorted(), in: transaction)
        let unknown = ids.indices.filter { stored[$0] == nil }
        let objects = try store.submitRead(of: unknown.map { ids[$0] }, in: transaction)
        let clusters = try clusters.rows(of: known, in: transaction)
        let streams = try store.streams(of: locked, in: transaction)
        for (place, state) in zip(unknown, try store.states(of: unknown.count, objects, in: transaction)) {
            stored[place] = state
        }
        let forgotten = memory.check(followed, marks: streams.marks)
        let again = ids.indices.filter { forgotten.contains(ids[$0].stream) }
        if !again.isEmpty {
            let states = try store.states(of: again.map { ids[$0] }, in: transaction)
            for (place, state) in zip(again, states) { stored[place] = state }
        }
        return Read(
            clusters: clusters,
            ids: ids,
            stored: stored,
            streams: streams.states,
            marks: streams.marks,
            partitions: partitions
        )
    }

    /// Writes objects and streams, publishes what can be seen, and returns the instances it touches.
    private func write(
        _ plan: ResourcePlan,
        after read: Read,
        of batch: Batch<ResourceMessage>,
        in transaction: borrowing PostgresTransaction
    ) throws -> Set<InstanceID> {
        let mark = Int64.random(in: 1...Int64.max)
        var written = plan.histories.filter(\.isChanged)
        var unsure: Set<StreamID> = []
        var rows = ResourceRows(capacity: written.count)
        for history in written {
            guard let state = history.result else { continue }
            rows.append(history.id, state, object: history.objectEntry.map { batch.entries[$0] })
        }
        if rows.count > 0, try store.write(rows, now: batch.now, in: transaction) < rows.count {
            let lost = try store.overtaken(written, in: transaction)
            written.removeAll { lost.contains($0.id) }
            unsure.formUnion(lost.map(\.stream))
        }
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
        for stream in unsure.union(swept.map(\.id.stream)) { memory.forget(stream) }
        return publish(written.filter(\.isVisiblyChanged), swept, batch)
    }

    private func publish(
        _ changed: [ResourceHistory],
        _ swept: [SweptResource],
        _ batch: Batch<ResourceMessage>
    ) -> Set<InstanceID> {
        var touched: Set<InstanceID> = []
        let gone = Set(swept.map(\.id))
        for history in changed {
            for instance in history.instances {
                touched.insert(InstanceID(stream: history.id.stream, instance: instance))
            }
            guard !gone.contains(history.id), let state = history.result else { continue }
            batch.outbox.append(ResourceStatus.record(of: history.id, state, at: batch.now))
        }
        for resource in swept {
            batch.outbox.append(ResourceStatus.tombstone(of: resource.id, revision: resource.revision, at: batch.now))
            if let instance = resource.instance {
                touched.insert(InstanceID(stream: resource.id.stream, instance: instance))
            }
        }
        return touched
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
        _ touched: Set<InstanceID>,
        _ batch: Batch<ResourceMessage>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard !touched.isEmpty else { return }
        let ids = touched.sorted()
        let (locked, tallies) = try instances.lockAndCount(ids, memory, in: transaction)
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
