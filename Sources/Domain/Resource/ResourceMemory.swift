/// What a lane remembers of the streams it follows, so that it need not read what it has written itself.
///
/// Each transaction that writes objects leaves a mark that nobody else draws in the locked rows of their streams. What
/// is remembered of a stream holds as long as its row has the mark of what was remembered last. Another lane, a
/// transaction that was rolled back and a recovery leave another one, and then everything is read again. One a lane.
final class ResourceMemory {
    private final class Stream {
        var mark: Int64 = 0
        var objects: [Name: ResourceState] = [:]
        var instances: [String: InstanceTallies] = [:]
        /// The batch that used it last.
        var usedIn = 0

        /// How many sums and texts of its instances are remembered, and one for itself.
        var sumCount: Int { instances.values.reduce(1) { $0 + $1.count } }

        /// Brings the sums of the object's instances up to what it has become.
        func add(_ state: ResourceState, of history: ResourceHistory) {
            for instance in history.instances {
                let before = InstanceTallies.Part(history.id, history.stored, of: instance)
                let after = InstanceTallies.Part(history.id, state, of: instance)
                guard before != after else { continue }
                if let before { instances[instance]?.remove(before) }
                if let after { instances[instance]?.add(after) }
            }
        }
    }

    /// What an object is called within its stream.
    private struct Name: Hashable {
        let kind: String
        let name: String

        init(_ id: ResourceID) { (kind, name) = (id.kind, id.name) }
    }

    private var streams: [StreamID: Stream] = [:]
    private var objectCount = 0
    private var batch = 0
    /// The most objects that are remembered, about half a kilobyte each; of sums and their texts twice as many, each of
    /// which takes less than half of that.
    private let limit: Int
    /// The most texts of an instance that is remembered; one with more is counted each time.
    private static let longestInstance = 1_000

    init(limit: Int = 16_384) {
        self.limit = limit
    }

    /// What is remembered of an object; it holds only if its stream does, see ``check(_:marks:)``.
    func state(of id: ResourceID) -> ResourceState? { streams[id.stream]?.objects[Name(id)] }

    /// Forgets those of the streams whose rows, now locked, have another mark or are not there.
    ///
    /// - Returns: Those that are forgotten.
    func check(_ followed: some Sequence<StreamID>, marks: [StreamID: Int64]) -> Set<StreamID> {
        batch += 1
        var forgotten: Set<StreamID> = []
        for stream in followed where streams[stream] != nil && streams[stream]?.mark != marks[stream] {
            forget(stream)
            forgotten.insert(stream)
        }
        return forgotten
    }

    /// Forgets a stream.
    func forget(_ stream: StreamID) {
        objectCount -= streams.removeValue(forKey: stream)?.objects.count ?? 0
    }

    /// Takes in what a batch has read and written of streams whose rows are locked and will have a mark.
    func take(_ histories: [ResourceHistory], of locked: some Sequence<StreamID>, mark: Int64) {
        for id in locked {
            let stream = streams[id] ?? Stream()
            (stream.mark, stream.usedIn) = (mark, batch)
            streams[id] = stream
        }
        for history in histories {
            guard let stream = streams[history.id.stream], let state = history.result ?? history.stored else {
                continue
            }
            if stream.objects.updateValue(state, forKey: Name(history.id)) == nil { objectCount += 1 }
            if history.isChanged { stream.add(state, of: history) }
        }
        makeRoom()
    }

    /// What an instance's objects add up to, as far as this batch; `nil` where they are to be counted.
    func tallies(of id: InstanceID) -> InstanceTallies? { streams[id.stream]?.instances[id.instance] }

    /// Remembers what was counted after this batch's objects were written.
    func note(_ tallies: InstanceTallies, of id: InstanceID) {
        guard tallies.textCount <= Self.longestInstance else { return }
        streams[id.stream]?.instances[id.instance] = tallies
    }

    /// Forgets the objects of the streams that were not used for longest, and whole ones where there are too many sums.
    ///
    /// What an instance adds up to takes little room and holds as long as the stream's mark does. To count it anew all
    /// objects of the instance are read, however many there are; so it stays longer than they do.
    private func makeRoom() {
        guard objectCount > limit else { return }
        let oldest = streams.sorted { $0.value.usedIn < $1.value.usedIn }
        for (_, stream) in oldest where objectCount > limit / 4 * 3 {
            objectCount -= stream.objects.count
            stream.objects = [:]
        }
        var sums = oldest.reduce(0) { $0 + $1.value.sumCount }
        guard sums > 2 * limit else { return }
        for (id, stream) in oldest where sums > limit / 2 * 3 {
            sums -= stream.sumCount
            forget(id)
        }
    }
}
