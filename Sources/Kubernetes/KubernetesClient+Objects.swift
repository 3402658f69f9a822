import Foundation

/// How something is deleted; with such a body, the server reads none of it from the query.
private struct DeleteOptions: Encodable {
    /// What belongs to it goes in the background.
    static let policy = "Background"

    struct Preconditions: Encodable {
        let resourceVersion: String
    }

    let apiVersion = "v1"
    let kind = "DeleteOptions"
    let propagationPolicy = policy
    let preconditions: Preconditions

    init(version: String) { preconditions = Preconditions(resourceVersion: version) }

    var json: [UInt8] { Array((try? JSONEncoder().encode(self)) ?? Data()) }
}

/// Single objects, whole kinds, and logs.
extension KubernetesClient {
    /// The name under which this program owns fields of objects.
    public static let fieldManager = "slipway"

    /// A server that is there sends a bookmark about every minute; one that sends none is only asked again.
    static let watchSilence = Duration.seconds(150)

    /// How much of an object is answered.
    public enum Detail: Sendable {
        /// All of it.
        case whole
        /// Its metadata, as `PartialObjectMetadata`.
        case metadata

        func accept(list: Bool) -> String {
            switch self {
            case .whole: "application/json"
            case .metadata:
                "application/json;as=PartialObjectMetadata\(list ? "List" : "");g=meta.k8s.io;v=v1"
            }
        }
    }

    /// An object as it is.
    public func get(
        _ kind: KubernetesKind,
        namespace: String?,
        name: String,
        detail: Detail = .whole
    ) async throws(KubernetesError) -> [UInt8] {
        try await send(.get, kind.path(namespace: namespace, name: name), accept: detail.accept(list: false))
    }

    /// Makes an object as a field manager wants it, and returns how it is then; fields that others own are taken over.
    public func apply(
        _ object: [UInt8],
        _ kind: KubernetesKind,
        namespace: String?,
        name: String
    ) async throws(KubernetesError) -> [UInt8] {
        try await change(kind.path(namespace: namespace, name: name), object, .apply, [("force", "true")])
    }

    /// Lays members over an object's; an object that is not there is an error.
    ///
    /// - Parameter subresource: A part of it that is changed by itself, such as `status`.
    public func patch(
        _ members: [UInt8],
        _ kind: KubernetesKind,
        namespace: String?,
        name: String,
        subresource: String? = nil
    ) async throws(KubernetesError) -> [UInt8] {
        let path = kind.path(namespace: namespace, name: name) + (subresource.map { "/\($0)" } ?? "")
        return try await change(path, members, .mergePatch)
    }

    private func change(
        _ path: String,
        _ body: [UInt8],
        _ content: Content,
        _ query: [(String, String)] = []
    ) async throws(KubernetesError) -> [UInt8] {
        let query = [("fieldManager", Self.fieldManager)] + query
        return try await send(.patch, path, query: query, body: body, content: content)
    }

    /// Makes an object that is not there yet.
    public func create(
        _ object: [UInt8],
        _ kind: KubernetesKind,
        namespace: String?
    ) async throws(KubernetesError) -> [UInt8] {
        try await send(
            .post,
            kind.path(namespace: namespace),
            query: [("fieldManager", Self.fieldManager)],
            body: object
        )
    }

    /// Has an object deleted, and what belongs to it in the background.
    ///
    /// - Parameter version: Which version of it; where it has another one by now, that is a conflict.
    /// - Returns: Whether it was there.
    @discardableResult
    public func delete(
        _ kind: KubernetesKind,
        namespace: String?,
        name: String,
        version: String? = nil
    ) async throws(KubernetesError) -> Bool {
        do {
            _ = try await send(
                .delete,
                kind.path(namespace: namespace, name: name),
                query: version == nil ? [("propagationPolicy", DeleteOptions.policy)] : [],
                body: version.map { DeleteOptions(version: $0).json }
            )
            return true
        } catch {
            guard error.isNotFound else { throw error }
            return false
        }
    }

    /// A page of the objects of a kind.
    ///
    /// - Parameters:
    ///   - next: What the page before said as `metadata.continue`.
    public func list(
        _ kind: KubernetesKind,
        namespace: String?,
        labels: String? = nil,
        detail: Detail = .whole,
        limit: Int = 500,
        next: String? = nil
    ) async throws(KubernetesError) -> [UInt8] {
        var query = [("limit", String(limit))]
        if let next, !next.isEmpty { query.append(("continue", next)) }
        if let labels { query.append(("labelSelector", labels)) }
        return try await send(
            .get,
            kind.path(namespace: namespace),
            query: query,
            accept: detail.accept(list: true),
            limit: .seconds(60)
        )
    }

    /// Hands over what changes after a version, each change as a line of JSON `{"type": …, "object": …}`.
    ///
    /// Returns when the server ends the watch, as it does after some minutes.
    ///
    /// - Parameter seconds: When the server is to end it at the latest.
    public func watch(
        _ kind: KubernetesKind,
        namespace: String?,
        labels: String? = nil,
        detail: Detail = .whole,
        from version: String,
        seconds: Int,
        _ take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(KubernetesError) {
        var query = [
            ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", version),
            ("timeoutSeconds", String(seconds)),
        ]
        if let labels { query.append(("labelSelector", labels)) }
        try await lines(
            kind.path(namespace: namespace),
            query: query,
            accept: detail.accept(list: false),
            limit: .seconds(seconds + 30),
            silence: Self.watchSilence,
            take
        )
    }

    /// Which part of a container's log is wanted.
    public struct LogRange: Sendable {
        /// The container.
        public var container: String
        /// How many of the newest lines; all of them otherwise.
        public var lines: Int?
        /// Whether new lines are handed over as they come.
        public var follow: Bool
        /// Whether the run before the present one is wanted.
        public var previous: Bool
        /// How many bytes at most.
        public var bytes: Int?

        /// Names a part.
        public init(
            container: String,
            lines: Int? = nil,
            follow: Bool = false,
            previous: Bool = false,
            bytes: Int? = nil
        ) {
            (self.container, self.lines, self.follow) = (container, lines, follow)
            (self.previous, self.bytes) = (previous, bytes)
        }
    }

    /// Hands over a container's log line by line.
    ///
    /// - Parameter limit: When it is cut at the latest.
    public func log(
        of pod: String,
        in namespace: String,
        _ range: LogRange,
        limit: Duration,
        _ take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(KubernetesError) {
        var query = [("container", range.container)]
        if let lines = range.lines { query.append(("tailLines", String(lines))) }
        if range.follow { query.append(("follow", "true")) }
        if range.previous { query.append(("previous", "true")) }
        if let bytes = range.bytes { query.append(("limitBytes", String(bytes))) }
        try await lines(
            "/api/v1/namespaces/\(namespace)/pods/\(pod)/log",
            query: query,
            accept: "*/*",
            longest: 1 << 16,
            limit: limit,
            take
        )
    }
}
