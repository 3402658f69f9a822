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

/// What a release is made of, told apart without keeping its values, which may hold secrets.
struct ReleaseForm: Sendable, Hashable {
    /// Application, version, image, chart and values: hooks run when it changes.
    let content: UInt64
    /// The content and what else stands in the pods' template: pods are rolled when it changes.
    let template: UInt64
    let isStopped: Bool

    init(_ request: ReleaseRequested) {
        let chart = request.chart
        let parts = [
            request.application, request.version, request.image ?? "", chart?.repository ?? "", chart?.name ?? "",
            chart?.version ?? "", request.values,
        ]
        content = StableHash.of(parts.joined(separator: "\u{0}"))
        let registries = (request.registrySecrets ?? []).map(\.name).joined(separator: "\u{0}")
        template = StableHash.of("\(content)\u{0}\(request.restart ?? "")\u{0}\(registries)")
        isStopped = request.stopped == true
    }
}
