@testable import Domain

/// Objects of an instance, as an agent lists them and as they are stored.
extension AppliedObject {
    static func of(_ kind: String, _ name: String = "web", uid: String, generation: Int64 = 3) -> AppliedObject {
        AppliedObject(
            apiVersion: "v1",
            kind: kind,
            namespace: "n",
            name: name,
            uid: uid,
            generation: generation,
            resourceVersion: nil
        )
    }
}

extension ObservedObject {
    static func of(
        _ kind: String,
        _ name: String = "web",
        uid: String,
        observed: Int64? = nil,
        _ health: Health
    ) -> ObservedObject {
        ObservedObject(
            kind: kind,
            name: name,
            uid: uid,
            observedGeneration: observed,
            health: health,
            healthReason: nil
        )
    }
}
