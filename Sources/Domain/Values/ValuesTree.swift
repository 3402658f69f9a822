import Foundation
import WorkerRuntime
internal import Yams

/// Helm values as Helm takes them: what the text says, not how it is written.
indirect enum ValuesTree: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case decimal(Double)
    case text(String)
    case list([ValuesTree])
    case mapping([String: ValuesTree])

    /// Reads values; an empty text and one of comments only are an empty mapping.
    ///
    /// - Throws: What ``ValuesYAML/check(_:field:)`` finds.
    init(yaml text: String, field: String) throws(Reason) {
        let mapping = try ValuesYAML.checked(text, field: field)
        self = .mapping(try mapping.map { mapping throws(Reason) in try Self.members(mapping, field) } ?? [:])
    }

    private static func tree(_ node: Node, _ field: String) throws(Reason) -> ValuesTree {
        switch node {
        case .scalar, .alias: return scalar(node)
        case .sequence(let sequence):
            var list: [ValuesTree] = []
            for element in sequence { list.append(try tree(element, field)) }
            return .list(list)
        case .mapping(let mapping):
            return .mapping(try members(mapping, field))
        }
    }

    /// The members, with those that `<<` brings in where the mapping has none of the name itself.
    private static func members(_ mapping: Node.Mapping, _ field: String) throws(Reason) -> [String: ValuesTree] {
        var own: [String: ValuesTree] = [:]
        var brought: [String: ValuesTree] = [:]
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                throw Reason(
                    code: "invalid_yaml",
                    sentence: "'\(field)' has a list or mapping as a key\(place(key)); keys should be plain words.",
                    field: field
                )
            }
            guard key.tag.description == Tag.Name.merge.rawValue else {
                own[name] = try tree(value, field)
                continue
            }
            for source in value.sequence.map(Array.init) ?? [value] {
                guard let source = source.mapping else { continue }
                brought.merge(try members(source, field)) { first, _ in first }
            }
        }
        return own.merging(brought) { own, _ in own }
    }

    /// Whole numbers are the same with and without a point, as in the JSON that Helm makes of values.
    private static func scalar(_ node: Node) -> ValuesTree {
        switch YAMLScalar(node) {
        case .null, nil: .null
        case .bool(let truth): .bool(truth)
        case .integer(let number): .integer(number)
        case .decimal(let number): Int64(exactly: number).map { .integer($0) } ?? .decimal(number)
        case .text(let text): .text(text)
        }
    }

    private static func place(_ node: Node) -> String {
        node.mark.map { " in line \($0.line)" } ?? ""
    }

    /// Whether nothing stands under it.
    var isLeaf: Bool {
        switch self {
        case .list(let elements): elements.isEmpty
        case .mapping(let members): members.isEmpty
        default: true
        }
    }
}
