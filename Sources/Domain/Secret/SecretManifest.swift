internal import JSON

/// The Secret of a secret.
///
/// Each value of `data` is a sealed text, which the agent opens and replaces by its base64. So a value that nobody opened
/// is refused by the API server, since no sealed text is base64; under `stringData` it would be taken for the value.
enum SecretManifest {
    /// Writes a secret that was checked.
    ///
    /// - Parameter sealed: The values, sealed anew for the cluster's agent.
    static func make(_ spec: SecretSpec, sealed: [String: String], head: ObjectHead) -> ObjectManifest {
        ObjectManifest(head, apiVersion: "v1", kind: "Secret") { json in
            json.member("type", spec.type ?? SecretSpec.opaque)
            json.member("data", sorted: sealed)
        }
    }
}
