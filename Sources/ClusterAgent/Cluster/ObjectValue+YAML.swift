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
            return try read(yaml: text)
        } catch {
            throw unreadable(error)
        }
    }

    /// The most that documents may hold when their aliases are followed: more than helm can keep of a release.
    static let maximumWeight = 16 << 20

    /// Reads every document as it stands there.
    static func read(yaml text: String) throws -> [ObjectValue] {
        guard YAMLWeight.isWithin(maximumWeight, text) else {
            throw ManifestError(
                sentence:
                    "The YAML holds more than \(maximumWeight >> 20) MiB, its aliases followed; it should hold less, or use fewer."
            )
        }
        var nodes = try Yams.compose_all(yaml: text, .default, .default, .utf8)
        var values: [ObjectValue] = []
        // Not a loop over a copy of the sequence: only the one that is drained knows its error.
        while let node = nodes.next() { values.append(ObjectValue(node)) }
        if let error = nodes.error { throw error }
        return values.filter { $0 != .null }
    }

    /// Why YAML cannot be read, in words.
    static func unreadable(_ error: any Error) -> ManifestError {
        if let error = error as? ManifestError { return error }
        guard let error = error as? YamlError else { return ManifestError(sentence: "The YAML cannot be read.") }
        return ManifestError(sentence: "The YAML cannot be read: \(Self.place(of: error)).")
    }

    init(_ node: Node) {
        switch node {
        case .mapping(let mapping):
            self = .object(Self.members(of: mapping))
        case .sequence(let sequence):
            self = .array(sequence.map { ObjectValue($0) })
        case .scalar, .alias:
            self = Self.scalar(node)
        }
    }

    /// The members, with those that `<<` brings in where the mapping has none of the name itself; of several mappings the
    /// first that has one counts.
    private static func members(of mapping: Node.Mapping) -> [Member] {
        var members: [Member] = []
        var brought: [Member] = []
        for (key, value) in mapping {
            if key.tag.description == Tag.Name.merge.rawValue {
                let sources = value.sequence.map(Array.init) ?? [value]
                brought += sources.compactMap(\.mapping).flatMap { Self.members(of: $0) }
            } else {
                members.append(Member(key.string ?? "", ObjectValue(value)))
            }
        }
        guard !brought.isEmpty else { return members }
        var names = Set(members.map(\.name))
        return members + brought.filter { names.insert($0.name).inserted }
    }

    private static func scalar(_ node: Node) -> ObjectValue {
        switch YAMLScalar(node) {
        case .null, nil: .null
        case .bool(let truth): .bool(truth)
        case .integer(let number): .int(number)
        case .decimal(let number): .double(number)
        case .text(let text): .string(text)
        }
    }

    private static func place(of error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "\(problem) in line \(mark.line), column \(mark.column)"
        case .duplicatedKeysInMapping(_, let context):
            "a key of a mapping stands there twice, for the first time in line \(context.mark.line)"
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
