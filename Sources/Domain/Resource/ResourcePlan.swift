import WorkerRuntime

/// What a batch of facts makes of the streams and objects it touches: decided in memory, in the order of the messages.
///
/// Pure: it is given what is stored, and says what is to be stored. Messages about one object fold into one row.
struct ResourcePlan {
    /// The objects the batch speaks of.
    private(set) var histories: [ResourceHistory]
    /// The streams the batch belongs to.
    private(set) var streams: [StreamID: StreamState]
    /// The snapshots that may remove what they did not hold: the newest of each kind.
    private(set) var sweeps: [SnapshotKind: Sweep] = [:]
    /// The streams whose agent is to be asked for a snapshot.
    private(set) var wantedSnapshots: Set<StreamID> = []

    private let places: [ResourceID: Int]
    private let now: Int64

    /// What a snapshot listed.
    struct SnapshotKind: Hashable {
        let stream: StreamID
        let kind: String
    }

    /// A snapshot's end: rows of its kind that are older than its beginning are gone.
    struct Sweep: Equatable {
        let began: StreamPosition
        let ended: StreamPosition
    }

    /// Starts from what is stored.
    ///
    /// - Parameters:
    ///   - ids: The objects, each once.
    ///   - stored: What is stored of them, in the same order.
    ///   - streams: The stored streams; one that is absent has not begun.
    ///   - now: The database's clock, in microseconds since 1970: what waits for too long is degraded.
    ///   - numbersBegin: What the revisions of new objects begin behind.
    init(
        _ ids: [ResourceID],
        stored: [ResourceState?],
        streams: [StreamID: StreamState],
        now: Int64,
        numbersBegin: Int64 = 0
    ) {
        histories = zip(ids, stored).map { id, stored in
            // Only what has no number yet begins with one.
            let isNew = (stored?.revision ?? 0) == 0
            let forgotten = isNew ? streams[id.stream]?.forgottenRevision ?? 0 : 0
            return ResourceHistory(id: id, stored: stored, numbersBegin: max(numbersBegin, forgotten))
        }
        places = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, $0) })
        self.streams = streams
        self.now = now
    }

    /// Takes in the next message.
    ///
    /// - Parameter entry: Its place in the batch.
    mutating func take(_ message: ResourceMessage, entry: Int) -> Outcome {
        let step = follow(message)
        switch message.fact {
        case .changed(let change):
            guard let place = places[change.id] else { return .applied }
            return histories[place].apply(change, at: message.position, entry: entry, now: now)
        case .gone(let gone):
            guard let place = places[gone.id] else { return .applied }
            return histories[place].apply(gone, at: message.position)
        case .snapshotEnded(let snapshot):
            guard step != .repeated else { return .repeated }
            end(snapshot, of: message)
            return .applied
        case .unreadable(let id, let reason):
            if let place = id.flatMap({ places[$0] }) {
                histories[place].applyUnreadable(reason, at: message.position)
            } else if step != .repeated {
                streams[message.stream]?.skipUnreadable()
            }
            return .deadLettered(reason)
        }
    }

    private mutating func follow(_ message: ResourceMessage) -> StreamState.Step {
        var stream = streams[message.stream] ?? StreamState()
        let wasWanted = stream.isSnapshotWanted
        let step = stream.follow(message.position)
        if step == .gap, !wasWanted { wantedSnapshots.insert(message.stream) }
        streams[message.stream] = stream
        return step
    }

    private mutating func end(_ snapshot: SnapshotEnded, of message: ResourceMessage) {
        guard streams[message.stream]?.accept(snapshot) == true else { return }
        let began = StreamPosition(epoch: message.position.epoch, sequence: snapshot.began)
        sweeps[SnapshotKind(stream: message.stream, kind: snapshot.kind)] = Sweep(began: began, ended: message.position)
    }
}
