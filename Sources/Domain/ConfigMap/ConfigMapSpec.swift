import WorkerRuntime

/// What somebody wants a config map to be.
struct ConfigMapSpec: Codable, Sendable, Hashable {
    /// For people; the cluster does not see it.
    var description: String?
    var data: [String: String]

    /// Throws the first mistake.
    func check(_ at: FieldPath = FieldPath()) throws(Reason) {
        try DataKeys.checkDescription(description, at["description"])
        try DataKeys.check(data, at["data"])
    }
}
