internal import JSON

/// The ConfigMap of a config map.
enum ConfigMapManifest {
    /// Writes a config map that was checked.
    static func make(_ spec: ConfigMapSpec, head: ObjectHead) -> ObjectManifest {
        ObjectManifest(head, apiVersion: "v1", kind: "ConfigMap") { $0.member("data", sorted: spec.data) }
    }
}
