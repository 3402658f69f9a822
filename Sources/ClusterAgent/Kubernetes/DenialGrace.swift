import Kubernetes

/// How long a server that denies the agent something is asked again: rights and tokens take a moment to be known.
///
/// It counts from the first denial, so that a server which was away for long and then does not know anybody yet is
/// waited for, too.
struct DenialGrace {
    private static let length = Duration.seconds(30)
    private var end: ContinuousClock.Instant?

    /// Whether to ask again after an error.
    mutating func covers(_ error: KubernetesError, at now: ContinuousClock.Instant) -> Bool {
        guard error.isDenied else {
            end = nil
            return false
        }
        let end = end ?? now + Self.length
        self.end = end
        return now < end
    }
}
