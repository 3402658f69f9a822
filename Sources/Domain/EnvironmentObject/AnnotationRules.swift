import WorkerRuntime

/// The rules of annotations and labels that users write.
enum AnnotationRules {
    /// Kubernetes takes 256 KiB; a message has to carry them beside the rest.
    static let maximumBytes = 64 * 1024

    /// Refuses annotations that Kubernetes would refuse, and those that are the fleet's own.
    static func check(_ annotations: [String: String], at field: FieldPath) throws(Reason) {
        for key in annotations.keys.sorted() { try checkKey(key, at: field) }
        let size = annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard size <= maximumBytes else {
            throw field.reason("too_large", "has \(size) bytes; at most \(maximumBytes) are accepted")
        }
    }

    /// Refuses labels that no pod can have.
    static func checkSelector(_ labels: [String: String], at field: FieldPath) throws(Reason) {
        guard !labels.isEmpty else { throw field.wrong("empty", should: "at least one label, such as app: web") }
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            guard KubernetesSyntax.isQualifiedName(key) else { throw badKey(key, field) }
            guard KubernetesSyntax.isLabelValue(value) else {
                throw field[key].wrong(
                    text: value,
                    should: "at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"
                )
            }
        }
    }

    private static func checkKey(_ key: String, at field: FieldPath) throws(Reason) {
        guard KubernetesSyntax.isQualifiedName(key) else { throw badKey(key, field) }
        guard let owner = owner(of: key) else { return }
        throw field.reason(
            "reserved_key",
            "holds the key \(FieldPath.quoted(key)), which is \(owner)'s own; another should be used"
        )
    }

    /// Who marks what is its own with such a key: agents believe the mark.
    private static func owner(of key: String) -> String? {
        let prefix = key.split(separator: "/").dropLast().first ?? ""
        if prefix == "slipway.io" || prefix.hasSuffix(".slipway.io") { return "Slipway" }
        if prefix == "meta.helm.sh" { return "helm" }
        return key == "cert-manager.io/certificate-name" ? "cert-manager" : nil
    }

    private static func badKey(_ key: String, _ field: FieldPath) -> Reason {
        field.reason(
            "invalid_key",
            "holds the key \(FieldPath.quoted(key)); a key should be a name of at most 63 letters, digits, '-', '_' and '.', "
                + "perhaps with a DNS name and '/' before it"
        )
    }
}
