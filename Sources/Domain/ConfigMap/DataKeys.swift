import WorkerRuntime

/// The rules that config maps and secrets share.
enum DataKeys {
    static let longestKey = 253
    static let longestDescription = 200
    /// Kubernetes takes 1 MiB; the rest is room for what a message carries besides.
    static let maximumBytes = 1024 * 1024 - 128 * 1024

    /// Refuses keys that Kubernetes would refuse, nothing at all, and too much.
    static func check(_ data: [String: String], _ at: FieldPath) throws(Reason) {
        guard !data.isEmpty else { throw at.wrong("empty", should: "at least one key with its value") }
        for key in data.keys.sorted() where !isKey(key) {
            throw at.reason(
                "invalid_key",
                "holds the key \(FieldPath.quoted(key)); a key should be 1 to \(longestKey) letters, digits, '.', '-' and '_', "
                    + "and not be '.' or begin with '..'"
            )
        }
        let size = data.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard size <= maximumBytes else {
            throw at.reason("too_large", "has \(size) bytes; at most \(maximumBytes) are accepted")
        }
    }

    static func checkDescription(_ description: String?, _ at: FieldPath) throws(Reason) {
        guard let description, !description.isEmpty,
            !FieldRules.hasLength(description, upTo: longestDescription)
        else { return }
        throw at.wrong("\(description.unicodeScalars.count) characters long", should: "at most \(longestDescription)")
    }

    private static func isKey(_ key: String) -> Bool {
        (1...longestKey).contains(key.utf8.count) && key != "." && !key.hasPrefix("..")
            && key.utf8.allSatisfy { KubernetesSyntax.isAlphanumeric($0) || ".-_".utf8.contains($0) }
    }
}
