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
        guard let mapping else {
            self = .mapping([:])
            return
        }
        self = .mapping(try Self.members(try MergeKeys.resolved(mapping, field: field), field))
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

    private static func members(_ mapping: Node.Mapping, _ field: String) throws(Reason) -> [String: ValuesTree] {
        var members: [String: ValuesTree] = [:]
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                throw Reason(
                    code: "invalid_yaml",
                    sentence: "'\(field)' has a list or mapping as a key\(place(key)); keys should be plain words.",
                    field: field
                )
            }
            members[name] = try tree(value, field)
        }
        return members
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

extension ValuesTree {
    /// Compares texts byte by byte: what Unicode takes for the same text may be another one to who reads it.
    static func == (one: ValuesTree, other: ValuesTree) -> Bool {
        switch (one, other) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.integer(let one), .integer(let other)): one == other
        case (.decimal(let one), .decimal(let other)): one == other
        case (.text(let one), .text(let other)): one.utf8.elementsEqual(other.utf8)
        case (.list(let one), .list(let other)): one == other
        case (.mapping(let one), .mapping(let other)):
            one.count == other.count
                && one.allSatisfy { name, value in
                    guard let place = other.index(forKey: name) else { return false }
                    return other[place].key.utf8.elementsEqual(name.utf8) && other[place].value == value
                }
        default: false
        }
    }
}
