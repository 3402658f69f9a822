/// Hands out a load's changes at a steady rate.
struct LoadPace: Sendable {
    private var load: ResourceLoad
    private let rate: Int64
    private var began: Int64?
    private var given: Int64 = 0

    /// More than this is not caught up in one round.
    private static let mostAtOnce: Int64 = 1000

    /// - Parameter rate: Changes a second.
    init(_ load: ResourceLoad, rate: Int) {
        self.load = load
        self.rate = Int64(rate)
    }

    /// The changes whose time has come.
    mutating func due(now: Int64) -> [ResourceLoad.Change] {
        let start = began ?? now
        began = start
        let count = min((now - start) * rate / 1_000_000 - given, Self.mostAtOnce)
        guard count > 0 else { return [] }
        given += count
        return (0..<count).map { _ in load.next() }
    }
}

extension AgentSession {
    /// Tells a made-up change like a real one, numbered in its namespace's stream.
    mutating func report(_ change: ResourceLoad.Change, now: Int64) -> [AgentOutput] {
        sendResource(
            ResourceChangeType.changed,
            in: change.namespace,
            instance: change.instance,
            data: change.data,
            now: now
        )
        return takeOutputs()
    }
}
