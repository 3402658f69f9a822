public import Domain
import Yams

extension ObjectValue {
    /// Reads one YAML document; an empty text is an empty object.
    ///
    /// - Throws: ``ManifestError`` that says where the text is wrong and never quotes it: values may hold secrets.
    public init(yaml text: String) throws(ManifestError) {
        let documents = try Self.documents(yaml: text)
        self = documents.first ?? .empty
    }

    /// Reads every document of a YAML stream; empty ones are passed over.
    public static func documents(yaml text: String) throws(ManifestError) -> [ObjectValue] {
        do {
            var nodes = try Yams.compose_all(yaml: text, .default, .default, .utf8)
            var values: [ObjectValue] = []
            // Not a loop over a copy of the sequence: only the one that is drained knows its error.
            while let node = nodes.next() { values.append(ObjectValue(node)) }
            if let error = nodes.error { throw error }
            return values.filter { $0 != .null }
        } catch let error as YamlError {
            throw ManifestError(sentence: "The YAML cannot be read: \(Self.place(of: error)).")
        } catch {
            throw ManifestError(sentence: "The YAML cannot be read.")
        }
    }

    init(_ node: Node) {
        switch node {
        case .mapping(let mapping):
            self = .object(mapping.map { Member($0.key.string ?? "", ObjectValue($0.value)) })
        case .sequence(let sequence):
            self = .array(sequence.map { ObjectValue($0) })
        case .scalar(let scalar):
            self = Self.scalar(node, text: scalar.string)
        case .alias:
            self = .null
        }
    }

    /// Yams resolves plain scalars by YAML 1.1's core rules; a quoted one is always a text.
    private static func scalar(_ node: Node, text: String) -> ObjectValue {
        switch node.tag.description {
        case Tag.Name.null.rawValue: .null
        case Tag.Name.bool.rawValue: node.bool.map { .bool($0) } ?? .string(text)
        case Tag.Name.int.rawValue: node.int.map { .int(Int64($0)) } ?? .string(text)
        case Tag.Name.float.rawValue: node.float.map { .double($0) } ?? .string(text)
        default: .string(text)
        }
    }

    private static func place(of error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "\(problem) in line \(mark.line), column \(mark.column)"
        default: "it is not well formed"
        }
    }
}

/// Why a release could not be turned into objects.
public struct ManifestError: Error, Sendable, Hashable {
    /// What is wrong, for people; never a text of the values.
    public let sentence: String

    /// Makes an error.
    public init(sentence: String) {
        self.sentence = sentence
    }
}
