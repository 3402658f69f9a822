import WorkerRuntime

/// What becomes of a command on its way when another one of its instance is asked for, pair by pair.
///
/// Nobody waits in a queue of the fleet's: the newer command is made on top of the desired state that the open one has,
/// and takes its place. Where it cannot contain it, it either makes it pointless or is refused.
enum InstanceCollapse: Sendable, Hashable {
    /// The newer one is made on top of the open one and contains what that would change.
    case includes
    /// The newer one makes the open one pointless.
    case replaces
    /// The newer one cannot be done before the open one has ended.
    case refused

    /// The table.
    ///
    /// - Parameters:
    ///   - open: The operation on its way.
    ///   - new: The operation that is asked for.
    ///   - isForced: Whether a deletion is to count at once, though the agent is away.
    static func of(open: InstanceOperation, new: InstanceOperation, isForced: Bool = false) -> InstanceCollapse {
        switch (open, new) {
        // What is deleted leaves nothing to build on; a deletion that a lost agent holds up may be forced.
        case (.delete, .delete): isForced ? .replaces : .refused
        case (.delete, _): .refused
        // Nothing of the instance will be left.
        case (_, .delete): .replaces
        // Version and values come whole, so the open one's are not wanted any more.
        case (.deploy, .deploy), (.upgrade, .deploy), (.configure, .deploy), (.rollback, .deploy), (.redeploy, .deploy),
            (.deploy, .rollback), (.upgrade, .rollback), (.configure, .rollback), (.rollback, .rollback),
            (.redeploy, .rollback):
            .replaces
        case (_, .deploy), (_, .upgrade), (_, .configure), (_, .rollback), (_, .redeploy), (_, .restart), (_, .stop),
            (_, .start), (_, .scale):
            .includes
        }
    }

    /// What is said of the command that ends.
    static func reason(open: InstanceOperation, new: InstanceOperation) -> Reason {
        let sentence =
            switch (of(open: open, new: new, isForced: true), new) {
            case (.replaces, .delete): "The instance is deleted instead."
            case (.replaces, _): "A newer \(new.rawValue) of the instance stands in its place."
            case (.includes, _), (.refused, _): "A newer \(new.rawValue) of the instance includes this one."
            }
        return Reason(code: "superseded", sentence: sentence)
    }
}
