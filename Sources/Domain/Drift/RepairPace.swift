/// When drift is repaired.
///
/// Somebody else may want the object to be otherwise, a controller for instance, and would change it again at once: then
/// Slipway does not fight, but puts it back once in a while and tells it each time.
enum RepairPace {
    /// How long after a repair the next one of the same subject is asked for: a minute, in microseconds.
    static let pause: Int64 = 60_000_000

    /// Whether a repair is to be asked for.
    ///
    /// - Parameters:
    ///   - isWanted: Whether the environment says that drift is to be repaired.
    ///   - isActive: Whether the environment is one that is worked in.
    ///   - objects: What has drifted.
    ///   - last: When the last repair was asked for.
    static func isDue(isWanted: Bool, isActive: Bool, objects: [DriftedObject], last: Int64?, now: Int64) -> Bool {
        guard isWanted, isActive, !objects.isEmpty else { return false }
        return last.map { now - $0 >= pause } ?? true
    }
}
