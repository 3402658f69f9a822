internal import JSON

/// What is stored of a secret instead of the object: what it is to helm and who owns it, which a deletion must know.
///
/// Made of what is named here alone. Nothing else of a secret is kept, even of one that came untrimmed: its values may stand in
/// annotations too, as `kubectl apply` leaves them.
enum SecretMetadata {
    private static let annotations: [StaticString] = ["helm.sh/hook", "helm.sh/resource-policy"]

    /// The metadata as JSON, in the form in which other objects have it.
    static func json(_ object: KubernetesObject) -> [UInt8] {
        let known = annotations.compactMap { name in object.annotations?[name]?.string.map { (name, $0) } }
        let owner = object.metadata?["ownerReferences"]?[0]?["uid"]?.string
        return JSONWriter.object { json in
            json.member("metadata") { metadata in
                metadata.member("annotations") { json in
                    for (name, text) in known { json.member(name, text) }
                }
                guard let owner else { return }
                metadata.array("ownerReferences") { owners in
                    owners.object { $0.member("uid", owner) }
                }
            }
        }
    }
}
