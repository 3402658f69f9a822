/// How somebody waits for one of the places in which helm runs, or for what has to go before.
struct HelmTurn: Sendable {
    /// Whether it may wait for hooks in its place: such leave a share of the places to others.
    var isLong = false
    /// Whether it is to be done at all; who is wanted no more gets no place.
    var isWanted: @Sendable () -> Bool = { true }
    /// Called again and again while it waits.
    var stillWaits: @Sendable () -> Void = {}

    /// The same, for something that may wait for hooks or not.
    func waitingForHooks(_ isLong: Bool) -> HelmTurn {
        HelmTurn(isLong: isLong, isWanted: isWanted, stillWaits: stillWaits)
    }

    /// Waits for a fact, as long as it is wanted at all; returns whether it is so.
    ///
    /// - Parameter period: How often it says that it still waits.
    func wait(
        _ limit: Duration,
        saying period: Duration = .seconds(30),
        until isSo: () async throws -> Bool
    ) async throws -> Bool {
        let end = ContinuousClock.now + limit
        var saidAt = ContinuousClock.now
        while ContinuousClock.now < end, isWanted() {
            if try await isSo() { return true }
            if ContinuousClock.now - saidAt >= period {
                saidAt = .now
                stillWaits()
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        return try await isSo()
    }
}
