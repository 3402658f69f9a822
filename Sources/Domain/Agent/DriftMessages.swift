/// The data of ``AgentStatusType/drifted``: which objects of a command are not as it left them.
///
/// An empty list says that none is any more.
public struct AgentDrifted: Codable, Sendable, Hashable {
    /// The newest command that was done of the subject.
    public var command: String
    /// The instance's (or object's) generation.
    public var generation: Int64
    /// What differs, by kind and name.
    public var objects: [DriftedObject]

    /// Makes the data.
    public init(command: String, generation: Int64, objects: [DriftedObject]) {
        self.command = command
        self.generation = generation
        self.objects = objects
    }
}

/// An object that somebody else has changed or removed.
public struct DriftedObject: Codable, Sendable, Hashable, Comparable {
    /// What happened to it.
    public enum Change: String, Codable, Sendable, Hashable {
        /// A field that Slipway had set is another's now, or gone.
        case changed
        /// The object is not there.
        case missing
    }

    /// The group and version, such as `apps/v1`.
    public var apiVersion: String
    /// The kind.
    public var kind: String
    /// The name.
    public var name: String
    /// What happened to it.
    public var change: Change

    /// Makes the data.
    public init(apiVersion: String, kind: String, name: String, change: Change) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.change = change
    }

    /// The order in which they are told.
    public static func < (left: DriftedObject, right: DriftedObject) -> Bool {
        (left.kind, left.name) < (right.kind, right.name)
    }
}
