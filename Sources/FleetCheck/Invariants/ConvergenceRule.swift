/// I7: what the agents told, put in the order of its numbers, is what the database holds; and its newest states were
/// published.
enum ConvergenceRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        resources(index) + streams(index) + published(index)
    }

    private static func resources(_ index: HistoryIndex) -> [Violation] {
        let world = index.told
        var stored: [ToldWorld.Name: StoredResource] = [:]
        for row in index.history.database.resources {
            let name = ToldWorld.Name(stream: "\(row.cluster)/\(row.namespace)", kind: row.kind, name: row.name)
            if !row.isGone { stored[name] = row }
        }
        var found: [Violation] = []
        for (name, told) in world.present {
            guard let row = stored[name] else {
                found.append(
                    Violation(
                        .convergence,
                        "\(name)",
                        "the cluster has it since \(told.position), the database has not"
                    )
                )
                continue
            }
            if row.uid != told.uid || row.position != told.position {
                found.append(
                    Violation(
                        .convergence,
                        "\(name)",
                        "the cluster told \(told.position) of it, the database knows \(row.position)"
                    )
                )
            }
        }
        for (name, row) in stored where world.present[name] == nil {
            found.append(
                Violation(.convergence, "\(name)", "the database has it since \(row.position), the cluster has not")
            )
        }
        return found
    }

    private static func streams(_ index: HistoryIndex) -> [Violation] {
        index.history.database.wantedSnapshots.map {
            Violation(.convergence, $0, "a snapshot was asked for and has not come")
        }
    }

    private static func published(_ index: HistoryIndex) -> [Violation] {
        var told: [SubjectName: Int64] = [:]
        for message in index.history.messages where Topic.statuses.contains(message.topic) {
            let subject = SubjectName(topic: message.topic, key: message.key)
            told[subject] = max(told[subject] ?? 0, message.revision ?? 0)
        }
        var found: [Violation] = []
        for (subject, revision) in index.history.database.revisions where told[subject] != revision {
            let newest = told[subject].map { "revision \($0)" } ?? "nothing"
            found.append(
                Violation(
                    .convergence,
                    "\(subject.topic) \(subject.key)",
                    "it is at revision \(revision), and \(newest) was published"
                )
            )
        }
        return found
    }
}

/// The clusters as their agents told them, by numbers and not by the order in which the words came.
struct ToldWorld {
    struct Name: Hashable, CustomStringConvertible {
        let stream: String
        let kind: String
        let name: String

        var description: String { "\(stream)/\(kind)/\(name)" }
    }
    struct Told {
        let uid: String
        let position: StreamPosition
    }

    /// What is there in the end.
    private(set) var present: [Name: Told] = [:]
    /// How many objects only a snapshot showed to be gone.
    private(set) var repaired = 0

    private struct Object: Decodable {
        struct Metadata: Decodable {
            let name: String
            let uid: String
        }
        let kind: String
        let metadata: Metadata
    }
    private struct SnapshotEnd: Decodable {
        let kind: String
        let began: Int64
    }
    private struct Kind: Hashable {
        let stream: String
        let kind: String
    }

    /// - Parameter letters: The messages that were dead-lettered, by their places.
    init(_ messages: [SeenMessage], without letters: [Place: [SeenMessage]]) {
        var newest: [Name: (told: Told, isThere: Bool)] = [:]
        var snapshots: [Kind: StreamPosition] = [:]
        for message in messages where message.topic == Topic.changes {
            // What was dead-lettered was told by nobody who may speak for the cluster, or cannot be read.
            guard letters[message.place] == nil, let position = message.position else { continue }
            if message.type == "slipway.resource.snapshot_ended.v1" {
                guard let end = message.decoded(SnapshotEnd.self) else { continue }
                let kind = Kind(stream: message.key, kind: end.kind)
                let began = StreamPosition(epoch: position.epoch, sequence: end.began)
                snapshots[kind] = max(snapshots[kind] ?? began, began)
            } else if let object = message.decoded(Object.self) {
                let name = Name(stream: message.key, kind: object.kind, name: object.metadata.name)
                if let before = newest[name], before.told.position >= position { continue }
                newest[name] = (
                    Told(uid: object.metadata.uid, position: position), message.type == "slipway.resource.changed.v1"
                )
            }
        }
        for (name, (told, isThere)) in newest where isThere {
            if let began = snapshots[Kind(stream: name.stream, kind: name.kind)], told.position < began {
                repaired += 1
            } else {
                present[name] = told
            }
        }
    }
}
