/// Where a fact stands in what one agent reports: facts are ordered by it and by nothing else.
///
/// The epoch is the database's number of the agent's boot; the sequence counts the messages of one cluster and
/// namespace within the epoch, without gaps, from 1.
public struct StreamPosition: Sendable, Hashable, Comparable {
    /// The number of the agent's boot.
    public let epoch: Int64
    /// The number of the message within the epoch.
    public let sequence: Int64

    /// Makes a position.
    public init(epoch: Int64, sequence: Int64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    /// Whether the right-hand side is later.
    public static func < (left: StreamPosition, right: StreamPosition) -> Bool {
        left.epoch == right.epoch ? left.sequence < right.sequence : left.epoch < right.epoch
    }
}

/// The numbered stream of one cluster and namespace: the key of `resource.changes`.
///
/// A class, because each message and each object's identity holds it: two texts that would be counted each time.
public final class StreamID: Sendable, Hashable, Comparable {
    /// The cluster, as registered.
    public let cluster: String
    /// The namespace within it.
    public let namespace: String
    /// The hash of both: each message's objects and streams are looked up several times.
    private let hashed: Int

    /// Makes an identity.
    public init(cluster: String, namespace: String) {
        self.cluster = cluster
        self.namespace = namespace
        hashed = Self.hash(cluster, namespace)
    }

    /// Kubernetes limits each part to 63 characters; what is far longer would not fit the database's index.
    private static let longestKey = 512

    /// Reads a message's key, `cluster/namespace`.
    convenience init?(key: String) {
        guard let slash = key.utf8.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let cluster = String(key[..<slash])
        let namespace = String(key[key.utf8.index(after: slash)...])
        guard !cluster.isEmpty, !namespace.isEmpty, key.utf8.count <= Self.longestKey,
            !namespace.utf8.contains(UInt8(ascii: "/")), !key.utf8.contains(0)
        else { return nil }
        self.init(cluster: cluster, namespace: namespace)
    }

    private static func hash(_ cluster: String, _ namespace: String) -> Int {
        var hasher = Hasher()
        hasher.combine(cluster)
        hasher.combine(namespace)
        return hasher.finalize()
    }

    /// Whether both name the same stream.
    public static func == (left: StreamID, right: StreamID) -> Bool {
        left === right || (left.cluster == right.cluster && left.namespace == right.namespace)
    }

    /// Hashes what makes two the same.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(hashed)
    }

    /// The order in which streams are locked.
    public static func < (left: StreamID, right: StreamID) -> Bool {
        (left.cluster, left.namespace) < (right.cluster, right.namespace)
    }
}

/// The identity of an observed object, whichever of its lives (uids) it is in.
public struct ResourceID: Sendable, Hashable {
    /// Where it is.
    public let stream: StreamID
    /// Its kind, such as `Deployment`.
    public let kind: String
    /// Its name within namespace and kind.
    public let name: String

    /// Makes an identity.
    public init(stream: StreamID, kind: String, name: String) {
        self.stream = stream
        self.kind = kind
        self.name = name
    }

    /// The key of `resource.status`: `cluster/namespace/kind/name`.
    public var key: String { "\(stream.cluster)/\(stream.namespace)/\(kind)/\(name)" }
}
