import Postgres
import WorkerRuntime

/// Reads what a batch of facts is decided on: the clusters, and the streams and objects that they speak of.
///
/// In two halves, so that the questions travel with the fence: a batch waits for the answers of all of them at once.
struct ResourceReading {
    let store: ResourceStore
    let clusters: ClusterEpochs
    let memory: ResourceMemory

    /// What was asked for a batch and is still to be answered.
    struct Asked {
        let entries: [Entry<ResourceMessage>]
        fileprivate let ids: [ResourceID]
        /// What is remembered of each object.
        fileprivate let remembered: [ResourceState?]
        /// The places of the objects that are not remembered.
        fileprivate let unknown: [Int]
        fileprivate let partitions: [StreamID: Int32]
        fileprivate let clusters: PostgresSubmission
        fileprivate let streams: PostgresSubmission
        fileprivate let objects: PostgresSubmission?

        /// Whether it was asked for these messages.
        func isFor(_ others: [Entry<ResourceMessage>]) -> Bool {
            entries.count == others.count && zip(entries, others).allSatisfy { $0 === $1 }
        }
    }

    /// What a batch is decided on.
    struct Read {
        let clusters: [String: ClusterEpochs.Row]
        let ids: [ResourceID]
        let stored: [ResourceState?]
        let streams: [StreamID: StreamState]
        /// The marks of the streams whose rows are there and locked.
        let marks: [StreamID: Int64]
        /// The partition in which the newest message of each stream lay.
        let partitions: [StreamID: Int32]
    }

    /// Asks, without waiting, for the clusters, and for the streams and objects, of which the streams are locked.
    ///
    /// Also those of messages that will not count: few do not, and a lock that was not needed harms nobody. Objects that
    /// are remembered are read only if it turns out that another transaction has written to their stream.
    func ask(
        _ entries: [Entry<ResourceMessage>],
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Asked {
        var ids: [ResourceID] = []
        var seen: Set<ResourceID> = []
        var partitions: [StreamID: Int32] = [:]
        for entry in entries {
            partitions[entry.input.stream] = entry.message.partition
            if let id = entry.input.fact.id, seen.insert(id).inserted { ids.append(id) }
        }
        let remembered = ids.map(memory.state)
        let unknown = ids.indices.filter { remembered[$0] == nil }
        let names = Set(partitions.keys.map(\.cluster)).sorted()
        return Asked(
            entries: entries,
            ids: ids,
            remembered: remembered,
            unknown: unknown,
            partitions: partitions,
            clusters: try clusters.submitRead(names, in: transaction),
            streams: try store.submitLock(ofStreams: partitions.keys.sorted(), in: transaction),
            objects: try unknown.isEmpty ? nil : store.submitRead(of: unknown.map { ids[$0] }, in: transaction)
        )
    }

    /// The answers; waits for them.
    func answers(
        to asked: Asked,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Read {
        let ids = asked.ids
        var stored = asked.remembered
        let clusters = try clusters.rows(of: asked.clusters, in: transaction)
        let streams = try store.streams(of: asked.streams, in: transaction)
        if let objects = asked.objects {
            let states = try store.states(of: asked.unknown.count, objects, in: transaction)
            for (place, state) in zip(asked.unknown, states) { stored[place] = state }
        }
        let forgotten = memory.check(asked.partitions.keys, marks: streams.marks)
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
            partitions: asked.partitions
        )
    }
}
