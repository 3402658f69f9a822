import Foundation

/// A kind of object, as the server serves it.
public struct KubernetesKind: Sendable, Hashable {
    /// The group and version, such as `apps/v1`.
    public let apiVersion: String
    /// The kind, such as `Deployment`.
    public let kind: String
    /// What paths call it, such as `deployments`.
    public let plural: String
    /// Whether its objects are in namespaces.
    public let isNamespaced: Bool

    /// Names a kind.
    public init(apiVersion: String, kind: String, plural: String, isNamespaced: Bool) {
        (self.apiVersion, self.kind, self.plural, self.isNamespaced) = (apiVersion, kind, plural, isNamespaced)
    }

    /// The path of an object, or of all of them.
    public func path(namespace: String?, name: String? = nil) -> String {
        var path = apiVersion.contains("/") ? "/apis/\(apiVersion)" : "/api/\(apiVersion)"
        if isNamespaced, let namespace { path += "/namespaces/\(namespace)" }
        path += "/\(plural)"
        if let name { path += "/\(name)" }
        return path
    }

    /// The server does not have what a manifest names.
    static func unknown(_ kind: String, _ apiVersion: String) -> KubernetesError {
        KubernetesError(
            status: 404,
            reason: "NoKindMatch",
            message: "The cluster has no kind '\(kind)' in '\(apiVersion)'; is what brings it installed?"
        )
    }
}

/// Which kinds the server has, remembered for a while.
actor KubernetesDiscovery {
    private struct List: Decodable {
        struct Resource: Decodable {
            let name: String
            let kind: String
            let namespaced: Bool
        }

        let resources: [Resource]
    }

    private var known: [String: (kinds: [KubernetesKind], at: ContinuousClock.Instant)] = [:]
    private static let age = Duration.seconds(300)

    func kinds(of apiVersion: String, through client: KubernetesClient) async throws(KubernetesError)
        -> [KubernetesKind]
    {
        if let known = known[apiVersion], known.at > .now - Self.age { return known.kinds }
        let path = apiVersion.contains("/") ? "/apis/\(apiVersion)" : "/api/\(apiVersion)"
        let kinds: [KubernetesKind]
        do {
            kinds = Self.kinds(in: try await client.send(.get, path), of: apiVersion)
        } catch {
            guard error.isNotFound else { throw error }
            kinds = []
        }
        // What is missing may be installed any time.
        if !kinds.isEmpty { known[apiVersion] = (kinds, .now) }
        return kinds
    }

    /// The kinds of an `APIResourceList`, without subresources; none where the answer is no such list.
    static func kinds(in answer: [UInt8], of apiVersion: String) -> [KubernetesKind] {
        let list = try? JSONDecoder().decode(List.self, from: Data(answer))
        return (list?.resources ?? []).filter { !$0.name.contains("/") }.map {
            KubernetesKind(apiVersion: apiVersion, kind: $0.kind, plural: $0.name, isNamespaced: $0.namespaced)
        }
    }
}

extension KubernetesClient {
    /// The kind as the server serves it; `nil` where it has none such.
    public func kind(_ kind: String, _ apiVersion: String) async throws(KubernetesError) -> KubernetesKind? {
        try await discovery.kinds(of: apiVersion, through: self).first { $0.kind == kind }
    }

    /// The kind as the server serves it.
    ///
    /// - Throws: A sentence for people where the server has none such.
    public func requireKind(_ kind: String, _ apiVersion: String) async throws(KubernetesError) -> KubernetesKind {
        guard let found = try await self.kind(kind, apiVersion) else { throw KubernetesKind.unknown(kind, apiVersion) }
        return found
    }
}
