import WorkerRuntime
internal import Yams

/// Merge keys of YAML (`<<`), which helm resolves in each file before it lays one over another.
enum MergeKeys {
    /// The mapping without any merge key, down to its leaves.
    ///
    /// As with helm, what a merge key brings in stands over what stands before it, and under what comes after; of
    /// several sources the first one counts.
    static func resolved(_ mapping: Node.Mapping, field: String) throws(Reason) -> Node.Mapping {
        var members = YAMLMembers()
        for (key, value) in mapping {
            let value = try resolved(value, field)
            guard key.tag.description == Tag.Name.merge.rawValue else {
                members.set(key, value)
                continue
            }
            for source in try sources(value, key, field).reversed() {
                for (key, value) in source { members.set(key, value) }
            }
        }
        return members.mapping(like: mapping)
    }

    private static func resolved(_ node: Node, _ field: String) throws(Reason) -> Node {
        switch node {
        case .scalar, .alias: return node
        case .mapping(let mapping): return .mapping(try resolved(mapping, field: field))
        case .sequence(let sequence):
            var elements: [Node] = []
            for element in sequence { elements.append(try resolved(element, field)) }
            return .sequence(Node.Sequence(elements, sequence.tag, sequence.style, sequence.mark))
        }
    }

    private static func sources(_ value: Node, _ key: Node, _ field: String) throws(Reason) -> [Node.Mapping] {
        let sources: [Node] = value.sequence.map { Array($0) } ?? [value]
        let mappings = sources.compactMap(\.mapping)
        guard mappings.count == sources.count else {
            throw Reason(
                code: "invalid_yaml",
                sentence: "'\(field)' has '<<'\(key.mark.map { " in line \($0.line)" } ?? "") with something else than "
                    + "mappings; helm can merge nothing else.",
                field: field
            )
        }
        return mappings
    }
}

/// Members of a mapping in their order, each found by its text: `8080` and `"8080"` are one key to helm.
struct YAMLMembers {
    /// Keys are compared byte by byte; what is no plain word, helm has no use for.
    private enum Key: Hashable {
        case text([UInt8])
        case other(Node)

        init(_ node: Node) {
            self = node.scalar.map { Key.text(Array($0.string.utf8)) } ?? .other(node)
        }
    }

    private var pairs: [(Node, Node)] = []
    private var places: [Key: Int] = [:]

    init() {}

    init(_ mapping: Node.Mapping) {
        for (key, value) in mapping { set(key, value) }
    }

    subscript(key: Node) -> Node? { places[Key(key)].map { pairs[$0].1 } }

    mutating func set(_ key: Node, _ value: Node) {
        if let place = places[Key(key)] {
            pairs[place].1 = value
        } else {
            places[Key(key)] = pairs.count
            pairs.append((key, value))
        }
    }

    /// These members, written in the style of a mapping.
    func mapping(like mapping: Node.Mapping) -> Node.Mapping {
        Node.Mapping(pairs, mapping.tag, mapping.style, mapping.mark)
    }
}
