public import WorkerRuntime
internal import Yams

/// Helm values as YAML text: checked, and laid over one another.
public enum ValuesYAML {
    /// The most bytes of values that are accepted.
    public static let maximumBytes = 256 * 1024
    /// The most that values may hold when their aliases are followed.
    static let maximumWeight = 4 * maximumBytes

    /// Refuses what is not a YAML mapping.
    public static func check(_ text: String, field: String) throws(Reason) {
        _ = try checked(text, field: field)
    }

    /// The mapping, if there is one, of values that ``check(_:field:)`` accepts.
    static func checked(_ text: String, field: String) throws(Reason) -> Node.Mapping? {
        guard text.utf8.count <= maximumBytes else {
            throw Reason(
                code: "too_large",
                sentence: "'\(field)' has \(text.utf8.count) bytes; at most \(maximumBytes) are accepted.",
                field: field
            )
        }
        guard YAMLWeight.isWithin(maximumWeight, text) else {
            throw Reason(
                code: "too_large",
                sentence:
                    "'\(field)' grows beyond \(maximumWeight) bytes when its aliases are followed; use fewer of them.",
                field: field
            )
        }
        return try mapping(text, field: field)
    }

    /// Lays values over others, mapping by mapping, once merge keys are resolved in each; the later ones win.
    public static func merge(_ layers: [String]) throws(Reason) -> String {
        var merged = Node.Mapping([])
        for layer in layers where !layer.isEmpty {
            guard let top = try mapping(layer, field: "values") else { continue }
            merged = lay(try MergeKeys.resolved(top, field: "values"), over: merged)
        }
        guard !merged.isEmpty else { return "" }
        do {
            return try Yams.serialize(node: .mapping(merged))
        } catch {
            throw Reason(code: "invalid_yaml", sentence: "'values' could not be written as YAML.", field: "values")
        }
    }

    private static func mapping(_ text: String, field: String) throws(Reason) -> Node.Mapping? {
        let node: Node?
        do {
            // Without an encoding it is asked for in the environment, which costs more than the parsing.
            node = try Yams.compose(yaml: text, .default, .default, .utf8)
        } catch let error as YamlError {
            throw Reason(
                code: "invalid_yaml",
                sentence: "'\(field)' is not YAML: \(place(error)).",
                field: field
            )
        } catch {
            throw Reason(code: "invalid_yaml", sentence: "'\(field)' is not YAML.", field: field)
        }
        guard let node else { return nil }
        guard let mapping = node.mapping else {
            throw Reason(
                code: "invalid_yaml",
                sentence: "'\(field)' should be a YAML mapping, such as 'replicaCount: 2'.",
                field: field
            )
        }
        return mapping
    }

    /// Where the error is, without the text, which may hold a secret.
    private static func place(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "\(problem) in line \(mark.line), column \(mark.column)"
        case .duplicatedKeysInMapping: "a key stands twice in a mapping"
        default: "it cannot be parsed"
        }
    }

    private static func lay(_ top: Node.Mapping, over bottom: Node.Mapping) -> Node.Mapping {
        var merged = YAMLMembers(bottom)
        for (key, value) in top {
            if let over = value.mapping, let under = merged[key]?.mapping {
                merged.set(key, .mapping(lay(over, over: under)))
            } else {
                merged.set(key, value)
            }
        }
        return merged.mapping(like: bottom)
    }
}
