/// What is asked again and again to see how soon the fleet works as before.
enum Probe: String, Sendable, CaseIterable {
    /// A change of a project's name, which deployment-worker and relay alone answer.
    case request
    /// A deployment of a small instance, which must succeed through the cluster's agent, in each cluster.
    case deployment
    /// A release that a rule deploys, likewise.
    case release

    /// In how many places it is asked, each on its own.
    var places: Int { self == .deployment ? ChaosWorld.clusters.count : 1 }

    /// How long it is waited for before the fleet counts as not answering.
    var limit: Duration { self == .request ? .milliseconds(1500) : .seconds(8) }

    /// The cluster through which it is answered at a place; a request needs none.
    func cluster(ofPlace number: Int) -> String? { self == .request ? nil : ChaosWorld.clusters[number] }

    /// The pause between one that has ended and the next at its place.
    static let pause = Duration.milliseconds(300)
}

/// Which probes are on their way, and when the last was answered at each place.
struct ProbeBook: Sendable {
    private struct Open {
        let probe: Probe
        let place: Int
        let since: ContinuousClock.Instant
    }

    /// Where a probe of one kind is asked.
    struct Place: Hashable {
        let probe: Probe
        let number: Int

        /// The place in words.
        var words: String { probe.rawValue + (probe.cluster(ofPlace: number).map { " in \($0)" } ?? "") }
    }

    private var open: [String: Open] = [:]
    private var lastAnswer: [Place: ContinuousClock.Instant] = [:]
    private var lastEnd: [Place: ContinuousClock.Instant] = [:]
    /// Which probes the commands belong to that a rule has made.
    private var commands: [String: String] = [:]
    private var times: [Probe: [Double]] = [:]

    /// Notes one that is sent; of those through an agent the one before at the place is waited for no more.
    mutating func begin(_ id: String, _ probe: Probe, place: Int = 0, at now: ContinuousClock.Instant) {
        if probe != .request { open = open.filter { $0.value.probe != probe || $0.value.place != place } }
        open[id] = Open(probe: probe, place: place, since: now)
    }

    /// Notes the command that a rule made of a release.
    mutating func note(command: String, of id: String) {
        if open[id] != nil { commands[command] = id }
    }

    /// Notes the end of a request, which may be a probe or the command of one.
    ///
    /// - Parameter hasSucceeded: Asked of those through an agent; of the others any answer is one.
    mutating func end(_ id: String, command: String?, hasSucceeded: Bool, at now: ContinuousClock.Instant) {
        let id = command.flatMap { commands.removeValue(forKey: $0) } ?? id
        guard let ended = open.removeValue(forKey: id) else { return }
        let place = Place(probe: ended.probe, number: ended.place)
        lastEnd[place] = now
        guard hasSucceeded || ended.probe == .request else { return }
        lastAnswer[place] = now
        times[ended.probe, default: []].append((now - ended.since).inSeconds)
    }

    /// Forgets one of which nobody knows whether the broker has it.
    mutating func forget(_ id: String) { open[id] = nil }

    /// Whether the next one through an agent is to be sent at a place: the one before has ended, or takes too long.
    func isDue(_ probe: Probe, place: Int, at now: ContinuousClock.Instant) -> Bool {
        if let before = open.values.first(where: { $0.probe == probe && $0.place == place }) {
            return now - before.since >= probe.limit
        }
        return lastEnd[Place(probe: probe, number: place)].map { now - $0 >= Probe.pause } ?? true
    }

    /// Whether one was answered at each place since a time, and none is on its way for too long.
    func isAnswering(_ probe: Probe, since: ContinuousClock.Instant, at now: ContinuousClock.Instant) -> Bool {
        (0..<probe.places).allSatisfy { lastAnswer[Place(probe: probe, number: $0)].map { $0 > since } ?? false }
            && open.values.allSatisfy { $0.probe != probe || now - $0.since < probe.limit }
    }

    /// The places at which a probe was answered.
    var answeredPlaces: Set<Place> { Set(lastAnswer.keys) }

    /// Whether a probe was answered at a place since a time.
    func wasAnswered(at place: Place, since: ContinuousClock.Instant) -> Bool {
        lastAnswer[place].map { $0 > since } ?? false
    }

    /// How many seconds each took that was answered, and forgets them.
    mutating func takeTimes() -> [Probe: [Double]] {
        defer { times = [:] }
        return times
    }
}
