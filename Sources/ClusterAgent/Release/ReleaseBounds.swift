import Domain

/// What a chart may not contain, because it would reach out of its environment.
///
/// Where helm acts as the agent itself, its rights reach every environment; and a namespace that is named belongs to another.
enum ReleaseBounds {
    /// The kinds of bindings, by which accounts have their rights.
    private static let bindings: Set<String> = ["RoleBinding", "ClusterRoleBinding"]

    /// Refuses an object, hooks too, that would reach out of its release's namespace, or for the agent's own rights.
    ///
    /// - Parameter namespace: The release's.
    static func check(_ object: ObjectValue, of namespace: String) throws(ManifestError) {
        let kind = object["kind"]?.string ?? ""
        let name = object.path("metadata", "name")?.string ?? ""
        let place = object.path("metadata", "namespace") ?? .null
        guard place == .null || place == "" || place == .string(namespace) else {
            throw ManifestError(
                sentence: "The \(kind) '\(name)' is for the namespace '\(place.string ?? "?")'; "
                    + "the objects of a release should be in its own, '\(namespace)'."
            )
        }
        if kind == "Namespace" {
            throw ManifestError(
                sentence: "The chart contains the Namespace '\(name)'; namespaces are made with their environments, "
                    + "and a chart should contain none."
            )
        }
        if kind == "ServiceAccount", name == NamespaceGrant.helmAccount {
            throw ManifestError(
                sentence: "The ServiceAccount '\(name)' is called as the one as which helm acts; "
                    + "it should have another name."
            )
        }
        if bindings.contains(kind), name == NamespaceGrant.name {
            throw ManifestError(
                sentence: "The \(kind) '\(name)' is called as the one by which the agent has its rights; "
                    + "it should have another name."
            )
        }
    }
}
