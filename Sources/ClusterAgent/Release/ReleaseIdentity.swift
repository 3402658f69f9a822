import Domain

/// Whose a release's objects are.
struct ReleaseIdentity: Codable, Sendable, Hashable {
    var namespace: String
    var instance: String
    var application: String
    var mark: CommandMark

    init(_ request: ReleaseRequested) {
        (namespace, instance, application) = (request.namespace, request.instance, request.application)
        mark = ClusterWork.release(request).mark
    }

    init(_ request: RemovalRequested) {
        (namespace, instance, application) = (request.namespace, request.instance, "")
        mark = ClusterWork.removal(request).mark
    }

    /// The labels by which an object is known as the instance's.
    var labels: [String: String] { [Label.instance: instance, Label.application: application] }

    /// These, and the command that made it.
    func labels(of mark: CommandMark) -> [String: String] {
        labels.merging([Label.command: mark.command, Label.generation: String(mark.generation)]) { $1 }
    }
}
