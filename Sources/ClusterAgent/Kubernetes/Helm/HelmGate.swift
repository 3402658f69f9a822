/// How many runs of helm are under way at a time; the others wait in order.
///
/// Each takes some 90 MB, and after an outage there may be a command for every release. A quarter of the places is never
/// held by what may wait for hooks, so that hooks which hang keep nobody from stopping or scaling.
public actor HelmGate {
    private struct Waiter {
        let number: Int
        let turn: HelmTurn
        let continuation: CheckedContinuation<Bool, Never>
    }

    private var free: Int
    private var freeForLong: Int
    private var waiting: [Waiter] = []
    private var waiterCount = 0
    private let period: Duration

    /// Makes a gate.
    ///
    /// - Parameters:
    ///   - runs: How many may be inside.
    ///   - period: How often who waits says so.
    public init(runs: Int, period: Duration = .seconds(30)) {
        let places = max(1, runs)
        free = places
        freeForLong = places == 1 ? 1 : places - max(1, places / 4)
        self.period = period
    }

    /// How many wait for room.
    var waitingCount: Int { waiting.count }

    /// Waits until there is room, or until nobody wants it any more; returns whether there is.
    @discardableResult
    func enter(_ turn: HelmTurn = HelmTurn()) async -> Bool {
        guard turn.isWanted(), !Task.isCancelled else { return false }
        if hasRoom(for: turn) {
            take(turn)
            return true
        }
        waiterCount += 1
        let number = waiterCount
        let watch = Task { await self.watch(number, turn) }
        defer { watch.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiting.append(Waiter(number: number, turn: turn, continuation: continuation))
            }
        } onCancel: {
            Task { await self.dismiss(number) }
        }
    }

    /// Makes room for the next.
    func leave(_ turn: HelmTurn = HelmTurn()) {
        free += 1
        if turn.isLong { freeForLong += 1 }
        var place = 0
        while free > 0, place < waiting.count {
            let next = waiting[place]
            if !next.turn.isWanted() {
                dismiss(next.number)
            } else if hasRoom(for: next.turn) {
                take(next.turn)
                waiting.remove(at: place)
                next.continuation.resume(returning: true)
            } else {
                place += 1
            }
        }
    }

    private func hasRoom(for turn: HelmTurn) -> Bool { free > 0 && (!turn.isLong || freeForLong > 0) }

    private func take(_ turn: HelmTurn) {
        free -= 1
        if turn.isLong { freeForLong -= 1 }
    }

    /// Looks after one that waits, as long as it does.
    private func watch(_ number: Int, _ turn: HelmTurn) async {
        var saidAt = ContinuousClock.now
        while (try? await Task.sleep(for: min(period, .seconds(1)))) != nil {
            guard waiting.contains(where: { $0.number == number }) else { return }
            guard turn.isWanted() else { return dismiss(number) }
            guard ContinuousClock.now - saidAt >= period else { continue }
            saidAt = .now
            turn.stillWaits()
        }
    }

    /// Sends one away that waits.
    private func dismiss(_ number: Int) {
        guard let place = waiting.firstIndex(where: { $0.number == number }) else { return }
        waiting.remove(at: place).continuation.resume(returning: false)
    }
}
