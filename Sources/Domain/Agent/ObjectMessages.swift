/// What single objects are for, as ``ObjectsRequested`` and ``Withdrawn`` name it.
public struct ObjectSubject: Codable, Sendable, Hashable {
    /// `network`, `domain`, `certificate`, `config-map` or `secret`.
    public var kind: String
    /// The name within namespace and kind.
    public var name: String

    /// Makes the data.
    public init(kind: String, name: String) {
        self.kind = kind
        self.name = name
    }
}

/// A secret whose values are sealed for the cluster.
public struct SealedSecret: Codable, Sendable, Hashable {
    /// The secret's name in the namespace.
    public var name: String
    /// The Kubernetes type, such as `Opaque` or `kubernetes.io/tls`.
    public var type: String
    /// The sealed values by key, each bound to cluster, namespace, `secret`, name, key.
    public var values: [String: String]

    /// Makes the data.
    public init(name: String, type: String, values: [String: String]) {
        self.name = name
        self.type = type
        self.values = values
    }
}

/// An object that is to be removed.
public struct ObjectReference: Codable, Sendable, Hashable {
    /// The group and version, such as `networking.k8s.io/v1`.
    public var apiVersion: String
    /// The kind.
    public var kind: String
    /// The name.
    public var name: String

    /// Makes the data.
    public init(apiVersion: String, kind: String, name: String) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
    }
}

/// A label that the pods of some instances need; the agent keeps it on them, and on no others.
public struct PodMark: Codable, Sendable, Hashable {
    /// The label's key; its value is `true`.
    public var label: String
    /// The instances whose pods need it.
    public var instances: [String]

    /// Makes the data.
    public init(label: String, instances: [String]) {
        self.label = label
        self.instances = instances
    }
}

/// The data of ``AgentCommandType/objectsRequested``.
public struct ObjectsRequested: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The subject's generation.
    public var generation: Int64
    /// The namespace, also of objects that name none.
    public var namespace: String
    /// What the objects are for; one command of a subject is done at a time, and the highest generation wins.
    public var subject: ObjectSubject
    /// Kubernetes manifests to apply.
    public var objects: [ObjectValue]
    /// Secrets to apply.
    public var secrets: [SealedSecret]?
    /// Objects to remove; one that is not there counts as removed.
    public var removed: [ObjectReference]?
    /// The label by which a network of several instances finds their pods.
    public var podMark: PodMark?
    /// When the fleet gives up, for people: agents do not judge it.
    public var deadline: String
    /// Whether a certificate is to be issued anew though its object says just what is there: an order over one that is
    /// expiring, expired or failed.
    public var renew: Bool?
    /// Whether it is to be done although it was done, because somebody else has changed what it made.
    public var repair: Bool?

    /// Makes the data.
    public init(
        command: String,
        generation: Int64,
        namespace: String,
        subject: ObjectSubject,
        objects: [ObjectValue],
        secrets: [SealedSecret]? = nil,
        removed: [ObjectReference]? = nil,
        podMark: PodMark? = nil,
        deadline: String
    ) {
        self.command = command
        self.generation = generation
        self.namespace = namespace
        self.subject = subject
        self.objects = objects
        self.secrets = secrets
        self.removed = removed
        self.podMark = podMark
        self.deadline = deadline
    }
}
