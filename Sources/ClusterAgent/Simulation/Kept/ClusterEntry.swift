import Domain

/// What changed in a cluster at a moment: one line of its file, which is there as a whole or not at all.
struct ClusterEntry: Codable, Sendable {
    /// An object as it is from now on.
    struct Object: Codable, Sendable {
        var id: ClusterObject.ID
        var apiVersion: String
        /// The object as agents tell it.
        var shown: String
        /// More exactly than it is told: microseconds since 1970.
        var createdAt: Int64
        var deletedAt: Int64?
        var life: PodLife?
        var rollout: Rollout?
        var task: PodLife.Task?
    }

    /// What is known of a subject from now on.
    struct Subject: Codable, Sendable {
        var subject: CommandSubject
        var mark: CommandMark?
        var release: SimulatedCluster.Release?
    }

    /// What a command did, or that it is marked as done.
    struct Deed: Codable, Sendable {
        var command: String
        var generation: Int64
        var namespace: String
        /// What it is about, in its namespace.
        var subject: String

        init(_ work: ClusterWork) {
            (command, generation) = (work.mark.command, work.mark.generation)
            (namespace, subject) = (work.subject.namespace, work.subject.markName)
        }
    }

    enum Namespace: String, Codable, Sendable {
        case there
        case leaving
        case gone
    }

    /// Microseconds since 1970.
    var at: Int64
    var objects: [Object] = []
    var removed: [ClusterObject.ID] = []
    var subjects: [Subject] = []
    var namespaces: [String: Namespace] = [:]
    /// The commands that changed something.
    var effects: [Deed] = []
    /// The commands that are marked as done, whether or not there was something to change.
    var marks: [Deed] = []

    init(at: Int64) { self.at = at }

    var isEmpty: Bool {
        objects.isEmpty && removed.isEmpty && subjects.isEmpty && namespaces.isEmpty && effects.isEmpty
            && marks.isEmpty
    }
}

extension ClusterEntry.Object {
    /// The object, read from how it was told.
    func object() -> ClusterObject? {
        guard let value = try? ObjectValue(answer: Array(shown.utf8)), let metadata = value["metadata"],
            let uid = metadata["uid"]?.string
        else { return nil }
        let told = ["apiVersion", "kind", "metadata", "spec", "status"]
        let more = value.members.filter { !told.contains($0.name) }
        return ClusterObject(
            id: id,
            apiVersion: apiVersion,
            uid: uid,
            generation: metadata["generation"]?.int,
            resourceVersion: metadata["resourceVersion"]?.string ?? "",
            labels: (metadata["labels"] ?? .empty).texts,
            annotations: (metadata["annotations"] ?? .empty).texts,
            owner: (metadata["ownerReferences"]?.elements ?? []).compactMap(ClusterObject.Owner.init).first,
            createdAt: createdAt,
            deletedAt: deletedAt,
            spec: value["spec"],
            status: value["status"],
            content: more.isEmpty ? nil : .object(more)
        )
    }
}
