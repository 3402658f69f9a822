import WorkerRuntime

/// Rules of fields that requests about environments share.
extension FieldRules {
    /// What people call an environment, and what for.
    static func environmentTexts(displayName: String?, description: String?) throws(Reason) {
        try erasable(displayName, "displayName", limit: 128)
        try erasable(description, "description", limit: 500)
    }

    /// The name of a group of environments: a text for people.
    static func group(_ text: String, _ field: String) throws(Reason) {
        let isPlain = !text.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
        guard isPlain, (1...32).contains(text.count), text.utf8.count <= 128 else {
            throw Reason(
                code: "invalid_field",
                sentence: "'\(field)' should have 1 to 32 characters, on one line.",
                field: field
            )
        }
    }

    /// A namespace that environments may have: Kubernetes keeps some for itself.
    static func namespace(_ text: String) throws(Reason) {
        try name(text, "namespace")
        guard text != "default", text != "kube", !text.hasPrefix("kube-") else {
            throw Reason(
                code: "reserved_namespace",
                sentence: "The namespace '\(text)' is kept for Kubernetes itself; choose another one.",
                field: "namespace"
            )
        }
    }
}
