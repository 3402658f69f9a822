import Domain

/// How a release goes wrong on demand.
///
/// A release asks for it in its values, `simulate: {failure: imagePull}`; a whole cluster by a flag.
public enum SimulatedFailure: String, Codable, Sendable, Hashable, CaseIterable {
    /// The image cannot be pulled.
    case imagePull
    /// The container ends right after each start.
    case crashLoop
    /// The container runs and never becomes ready.
    case neverReady
    /// No node takes the pods.
    case unschedulable
    /// The container's configuration names a secret that does not exist.
    case configError
    /// The release cannot be applied at all.
    case applyFails
    /// The agent is away for `simulate.seconds`, and the release itself goes well.
    case agentOffline
    /// The agent starts again, and the release itself goes well.
    case agentRestart

    /// The names, for people.
    public static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

/// What a release's values say about how it is to be played.
struct SimulationRequest: Sendable, Hashable {
    var failure: SimulatedFailure?
    /// How long an agent stays away.
    var seconds: Int
    /// Jobs that run before the rollout, or after it.
    var hooks: [Hook]

    /// Reads `simulate` of a release's values.
    ///
    /// - Throws: A failure the simulation does not know: a misspelt one must not look like success.
    init(values: ObjectValue, otherwise failure: SimulatedFailure?) throws(ManifestError) {
        let wish = values["simulate"]
        seconds = Int(wish?["seconds"]?.int ?? 20)
        hooks = try Hook.simulated(wish?["hook"])
        guard let name = wish?["failure"], name != .null else {
            self.failure = failure
            return
        }
        guard let known = name.string.flatMap(SimulatedFailure.init) else {
            throw ManifestError(
                sentence: "The value 'simulate.failure' is not known; it should be one of \(SimulatedFailure.names)."
            )
        }
        self.failure = known
    }
}
