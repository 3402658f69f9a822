/// How many runs of helm are under way at a time; the others wait in order.
///
/// Each takes some 90 MB, and after an outage there may be a command for every release.
public actor HelmGate {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Makes a gate.
    ///
    /// - Parameter runs: How many may be inside.
    public init(runs: Int) {
        free = max(1, runs)
    }

    /// How many wait for room.
    var waitingCount: Int { waiting.count }

    /// Waits until there is room.
    func enter() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    /// Makes room for the next.
    func leave() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
