import Domain
import Foundation

/// Which command made a subject what it is, and what is needed to do the next one.
struct MarkRecord: Codable, Sendable, Hashable {
    var command: String
    var generation: Int64
    /// The objects that it applied, as they were then.
    var objects: [AppliedObject] = []
    /// Of a release: the command whose marks its pods carry.
    var template: Template?
    /// The secrets with which its images are pulled.
    var registries: [String]?
    /// The label that it wants on the pods of some instances.
    var podMark: PodMark?

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

    init(_ mark: CommandMark, objects: [AppliedObject] = []) {
        (command, generation, self.objects) = (mark.command, mark.generation, objects)
    }
}

/// The marks of a namespace: kept in the cluster, outside of the namespace, so that they survive it.
struct MarkBook: Sendable, Hashable {
    /// The namespace's life: marks of things in another life of it do not count.
    var namespaceUID: String
    /// The records by ``CommandSubject/markName``.
    var records: [String: MarkRecord] = [:]

    static let uidName = "uid"
    /// On the config maps that hold books: the cluster that they are of.
    static let label = "slipway.io/marks"

    /// What the config map of a namespace's book is called.
    static func configMap(of namespace: String) -> String { "slipway-marks.\(namespace)" }

    /// The namespace whose book a config map holds.
    static func namespace(ofConfigMap name: String) -> String? {
        name.hasPrefix("slipway-marks.") ? String(name.dropFirst("slipway-marks.".count)) : nil
    }

    init(namespaceUID: String) {
        self.namespaceUID = namespaceUID
    }

    /// Reads a config map's data; a record that cannot be read is as one that is not there: its command is done again.
    init(data: ObjectValue) {
        namespaceUID = data[Self.uidName]?.string ?? ""
        for member in data.members where member.name != Self.uidName {
            guard let text = member.value.string,
                let record = try? JSONDecoder().decode(MarkRecord.self, from: Data(text.utf8))
            else { continue }
            records[member.name] = record
        }
    }

    /// The config map's data.
    var data: ObjectValue {
        var data: ObjectValue = [Self.uidName: .string(namespaceUID)]
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for (name, record) in records.sorted(by: { $0.key < $1.key }) {
            guard let json = try? encoder.encode(record) else { continue }
            data[name] = .string(String(decoding: json, as: UTF8.self))
        }
        return data
    }
}

extension CommandSubject {
    /// What its mark is called among those of its namespace.
    var markName: String {
        switch self {
        case .namespace: "namespace"
        case .release(_, let instance): "release.\(instance)"
        case .object(_, let subject): "\(subject.kind).\(subject.name)"
        case .log(_, let command): "log.\(command)"
        }
    }
}
