public import WorkerRuntime

/// One message of `resource.changes`, understood and checked.
///
/// A class: a lane hands it on in generic code, where a structure's fields would be copied one by one.
public final class ResourceMessage: Sendable {
    /// The numbered stream it belongs to.
    public let stream: StreamID
    /// Its place in the stream.
    public let position: StreamPosition
    /// The number of the cluster's key that signed it.
    public let keyID: Int32
    /// What it says.
    public let fact: ResourceFact

    /// Makes a message.
    public init(stream: StreamID, position: StreamPosition, keyID: Int32, fact: ResourceFact) {
        self.stream = stream
        self.position = position
        self.keyID = keyID
        self.fact = fact
    }
}

/// What a message of `resource.changes` says.
public enum ResourceFact: Sendable {
    /// An object is there and looks like this.
    case changed(ResourceChange)
    /// An object was deleted.
    case gone(ResourceGone)
    /// All objects of a kind were sent since the snapshot began.
    case snapshotEnded(SnapshotEnded)
    /// The sender is known and the body is not usable; the object it is about, where that much could be read.
    case unreadable(ResourceID?, Reason)

    /// The object the fact is about; `nil` for the end of a snapshot.
    var id: ResourceID? {
        switch self {
        case .changed(let change): change.id
        case .gone(let gone): gone.id
        case .snapshotEnded: nil
        case .unreadable(let id, _): id
        }
    }
}

/// An object as its cluster shows it.
///
/// A class, because it is large and goes through several hands.
public final class ResourceChange: Sendable {
    /// Which object.
    public let id: ResourceID
    /// Its group and version, such as `apps/v1`.
    public let apiVersion: String
    /// Its life: an object that is deleted and made again has another one.
    public let uid: String
    /// The generation of its specification; 0 for kinds without one.
    public let generation: Int64
    /// The generation its controller has seen.
    public let observedGeneration: Int64?
    /// Kubernetes' version of it, kept for people and never compared.
    public let resourceVersion: String?
    /// The instance it belongs to.
    public let instance: String?
    /// The generation of the command that made it, from its label.
    public let commandGeneration: Int64?
    /// How it is doing.
    public let assessment: HealthAssessment
    /// When the object was made, in microseconds since 1970, if it waits for a load balancer's address; else `nil`.
    public let awaitsAddressSince: Int64?
    /// Whether a pod is ready; `nil` for other kinds.
    public let isReady: Bool?
    /// What a pod shows when it will probably not come up.
    public let sign: FailureSign?
    /// Whether another object speaks for it, so that its own health counts for nothing: a CronJob for its Jobs, helm for its
    /// hooks, a Job for its pods, a ReplicaSet for those of its pods that have failed.
    public let isApart: Bool
    /// What is stored instead of the object itself, the message's value, as JSON; `nil` for all but secrets.
    public let storedInstead: [UInt8]?

    /// Makes a change.
    public init(
        id: ResourceID,
        apiVersion: String,
        uid: String,
        generation: Int64 = 0,
        observedGeneration: Int64? = nil,
        resourceVersion: String? = nil,
        instance: String? = nil,
        commandGeneration: Int64? = nil,
        assessment: HealthAssessment,
        awaitsAddressSince: Int64? = nil,
        isReady: Bool? = nil,
        sign: FailureSign? = nil,
        isApart: Bool = false,
        storedInstead: [UInt8]? = nil
    ) {
        self.id = id
        self.apiVersion = apiVersion
        self.uid = uid
        self.generation = generation
        self.observedGeneration = observedGeneration
        self.resourceVersion = resourceVersion
        self.instance = instance
        self.commandGeneration = commandGeneration
        self.assessment = assessment
        self.awaitsAddressSince = awaitsAddressSince
        self.isReady = isReady
        self.sign = sign
        self.isApart = isApart
        self.storedInstead = storedInstead
    }

    /// How it is doing at a time: an address that was awaited for too long makes it degraded.
    func assessment(at now: Int64) -> HealthAssessment {
        let patience = AddressWait.patience
        guard let since = awaitsAddressSince, AddressWait.isOver(age: now - since, patience: patience) else {
            return assessment
        }
        return HealthAssessment(.degraded, AddressWait.failure(patience: patience))
    }
}

/// An object that was deleted.
public struct ResourceGone: Sendable, Hashable {
    /// Which object.
    public var id: ResourceID
    /// Its group and version.
    public var apiVersion: String
    /// The life that ended; another life of the same name is not touched.
    public var uid: String

    /// Makes a deletion.
    public init(id: ResourceID, apiVersion: String, uid: String) {
        self.id = id
        self.apiVersion = apiVersion
        self.uid = uid
    }
}

/// The end of a snapshot of one kind in one namespace; what was not seen since its beginning is gone.
public struct SnapshotEnded: Sendable, Hashable {
    /// The kind that was listed, also when it was empty.
    public var kind: String
    /// Its group and version.
    public var apiVersion: String
    /// The sequence of the snapshot's first message.
    public var began: Int64
    /// The number of objects that were listed.
    public var count: Int64

    /// Makes an end of a snapshot.
    public init(kind: String, apiVersion: String, began: Int64, count: Int64) {
        self.kind = kind
        self.apiVersion = apiVersion
        self.began = began
        self.count = count
    }
}
