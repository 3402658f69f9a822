import Domain

/// Who has made a release what it is before it is changed: whether the chart's hooks run follows from it.
struct ReleaseOrigin: Sendable, Hashable {
    /// The command that made it; `nil` where there is none, or nobody knows.
    var command: String?
    /// The command that decided what it is made of; `nil` or empty where nobody knows.
    var deployment: String?
    /// Whether it is made of what is asked for: version, image, chart and values.
    var isSame: Bool

    /// Whether hooks run: for each deployment once, and not for what only scales, stops, starts, restarts or repairs.
    ///
    /// What includes a deployment that was not done runs its hooks. Where older agents or fleets have not said which
    /// deployment it is, a release that is made of something else is one.
    func runsHooks(for request: ReleaseRequested) -> Bool {
        // They have run for it.
        if command == request.command { return false }
        if request.repair == true { return !isSame }
        guard let wanted = request.deployment else { return !isSame }
        guard let deployment, !deployment.isEmpty else { return !isSame || wanted == request.command }
        return deployment != wanted
    }
}
