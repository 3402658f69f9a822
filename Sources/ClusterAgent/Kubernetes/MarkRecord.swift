import Domain
import Foundation
import WorkerRuntime

/// Which command made a subject what it is, and what is needed to do the next one.
///
/// Each is a config map of its own in the agent's namespace: it survives its subject, a write costs the same however many
/// there are, and none can grow past what a config map holds.
struct MarkRecord: Codable, Sendable, Hashable {
    /// The subject's namespace.
    var namespace: String
    /// That namespace's life: what was made in another life of it is not there any more.
    var namespaceUID: String?
    /// The subject, as ``CommandSubject/markName`` spells it.
    var subject: String
    var command: String
    var generation: Int64
    /// When it was written, by the agent's clock, which judges nothing but how long it is kept.
    var at: Int64
    /// Whether the command took the subject away.
    var isRemoval = false
    /// The objects that it applied, as they were then.
    var objects: [AppliedObject] = []
    /// What ``OwnedFields`` said of each of them, by ``place(of:)``; marks of older agents have none.
    var owned: [String: String]?
    /// Of a release: the command whose marks its pods carry.
    var template: Template?
    /// The secrets with which its images are pulled.
    var registries: [String]?
    /// The label that it wants on the pods of some instances.
    var podMark: PodMark?
    /// The commands that were done before, the newest last; marks of older agents have none.
    var former: [String]?

    /// What pods were made of, told apart without keeping values.
    struct Template: Codable, Sendable, Hashable {
        var command: String
        var generation: Int64
        /// ``ReleaseForm/content`` and ``ReleaseForm/template``, in hexadecimal digits: JSON's numbers are shorter.
        var content: String
        var form: String
        var isStopped: Bool
    }

    var mark: CommandMark { CommandMark(command: command, generation: generation) }

    /// How many commands of before are remembered.
    private static let mostFormer = 50

    /// Remembers what was done before, as the mark that this one takes the place of has it.
    mutating func follow(_ before: MarkRecord?) {
        guard let before, before.command != command else { return former = before?.former }
        let all = (before.former ?? []).filter { $0 != command } + [before.command]
        former = Array(all.suffix(Self.mostFormer))
    }

    init(_ work: ClusterWork, namespaceUID: String?) {
        namespace = work.subject.namespace
        self.namespaceUID = namespaceUID
        subject = work.subject.markName
        (command, generation) = (work.mark.command, work.mark.generation)
        at = Int64(Date().timeIntervalSince1970 * 1_000_000)
        switch work {
        case .removal, .namespaceRemoval: isRemoval = true
        case .objects(let request): isRemoval = request.objects.isEmpty && (request.secrets ?? []).isEmpty
        case .namespace, .release, .log: break
        }
    }

    /// The label by which a network finds pods, whether or not it wants it on any now; `nil` where it is of no network.
    var networkLabel: String? {
        let prefix = "network."
        return subject.hasPrefix(prefix) ? ObjectLabel.network(String(subject.dropFirst(prefix.count))) : nil
    }

    /// Notes an object as the server gave it after it was applied.
    mutating func add(_ answer: ObjectValue) throws(ManifestError) {
        guard let applied = AppliedObject(answer) else {
            throw ManifestError(sentence: "The Kubernetes API gave an object without a name.")
        }
        objects.append(applied)
        owned = owned ?? [:]
        owned?[Self.place(of: applied)] = OwnedFields.digest(of: answer)
    }

    /// Those of its objects that are followed: others are told once, here, and never again, so nobody may wait for them.
    ///
    /// - Parameter kinds: The kinds that are watched, in the subject's namespace.
    func followed(_ kinds: [WatchedKind]) -> [AppliedObject] {
        objects.filter { object in
            object.namespace == namespace && kinds.contains { $0.covers(object.apiVersion, object.kind) }
        }
    }

    /// What tells an object from the others of its subject.
    static func place(of object: AppliedObject) -> String { "\(object.kind)/\(object.name)" }

    /// How long it is remembered that something was removed, also with its namespace: by then no command from before is
    /// under way any more.
    private static let memory: Int64 = 30 * 86_400 * 1_000_000

    /// Whether it protects nothing any more.
    ///
    /// - Parameter uid: The namespace as it is now; `nil` where there is none.
    func isForgotten(now: Int64, namespace uid: String?) -> Bool {
        (isRemoval || namespaceUID != nil && namespaceUID != uid) && at < now - Self.memory
    }
}

/// The config maps that hold marks.
extension MarkRecord {
    /// On each of them: the cluster that they are of.
    static let label = "slipway.io/marks"
    private static let field = "mark"
    private static let longestName = 253

    /// What its config map is called; a name that would be too long ends in digits.
    ///
    /// What it is about stands inside.
    var configMap: String {
        let name = "slipway-mark.\(namespace).\(subject)"
        guard name.utf8.count > Self.longestName else { return name }
        return "slipway-mark.\(namespace).\(String(StableHash.of(name), radix: 16))"
    }

    /// Reads a config map; one that cannot be read is as none: its command is done again, which changes nothing.
    init?(configMap: ObjectValue) {
        guard let text = configMap.path("data", Self.field)?.string,
            let record = try? JSONDecoder().decode(MarkRecord.self, from: Data(text.utf8))
        else { return nil }
        self = record
    }

    /// The config map as it is to be.
    func manifest(cluster: String, home: String) throws -> ObjectValue {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(self), as: UTF8.self)
        return [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": [
                "name": .string(configMap), "namespace": .string(home),
                "labels": [Self.label: .string(cluster), ObjectLabel.managedBy: "slipway"],
            ],
            "data": [Self.field: .string(text)],
        ]
    }
}

extension CommandSubject {
    /// What its mark is called among those of its namespace.
    var markName: String {
        switch self {
        case .namespace: "namespace"
        case .release(_, let instance): "release.\(instance)"
        case .object(_, let subject): subject.mark
        case .log(_, let command): "log.\(command)"
        }
    }
}
