/// A container of a pod, as it is listed.
public struct ContainerRow: Sendable, Hashable {
    /// What part a container plays in its pod.
    public enum Role: String, Sendable, Hashable {
        /// Does its work before the others start.
        case initial = "init"
        /// Starts before the others and goes on beside them.
        case sidecar
        /// What the pod is there for.
        case main
        /// Put in later, to look what is wrong.
        case ephemeral
    }

    /// The pod.
    public let pod: String
    /// The container.
    public let container: String
    /// Its part.
    public let role: Role
    /// How the pod is doing, as kubectl's column STATUS has it.
    public let podState: String
    /// How the container itself is doing.
    public let state: String
    /// Whether it takes requests; always `false` once an init container has done its work.
    public let isReady: Bool
    /// How often it was started again.
    public let restarts: Int64
    /// What it runs.
    public let image: String?
    /// Where the pod runs; `nil` until it is decided.
    public let node: String?
    /// The pod's address; `nil` until it has one.
    public let address: String?
    /// When its newest run began, as the cluster writes times; `nil` when it has not run or waits to run again.
    public let started: String?
}
