import Domain

/// A release that is being changed: the hooks before it, the change itself, the hooks after it.
struct Operation: Sendable {
    /// What is done between the hooks.
    enum Change: Sendable {
        /// These objects are applied, and this is then known of the release.
        case install([Manifest], SimulatedCluster.Release)
        /// Everything goes.
        case uninstall
    }

    /// A hook Job at work.
    struct Run: Sendable, Hashable {
        var hook: Hook
        var moment: Hook.Moment
        var job: ClusterObject.ID
        var startedAt: Int64
    }

    let work: ClusterWork
    let identity: ReleaseIdentity
    let change: Change
    var before: [Hook]
    var after: [Hook]
    let moments: (before: Hook.Moment, after: Hook.Moment)
    /// Whether the change was made.
    var isMade = false
    var run: Run?
}
