/// How somebody waits for one of the places in which helm runs.
struct HelmTurn: Sendable {
    /// Whether it may wait for hooks in its place: such leave a share of the places to others.
    var isLong = false
    /// Whether it is to be done at all; who is wanted no more gets no place.
    var isWanted: @Sendable () -> Bool = { true }
    /// Called again and again while there is no room.
    var stillWaits: @Sendable () -> Void = {}

    /// The same, for something that may wait for hooks or not.
    func waitingForHooks(_ isLong: Bool) -> HelmTurn {
        HelmTurn(isLong: isLong, isWanted: isWanted, stillWaits: stillWaits)
    }
}
