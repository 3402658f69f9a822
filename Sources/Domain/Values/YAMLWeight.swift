import CYaml

/// How much a YAML text holds once its aliases are followed.
///
/// A short text can name a huge tree, because each alias stands for all that its anchor holds. The weight is added up
/// from the parser's events, without building the tree: one for each node, and the bytes of each scalar.
public enum YAMLWeight {
    /// Whether the text weighs no more than the limit.
    ///
    /// A text that is no YAML is taken as light: whoever builds its tree learns what is wrong.
    public static func isWithin(_ limit: Int, _ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var parser = yaml_parser_t()
            guard yaml_parser_initialize(&parser) == 1 else { return false }
            defer { yaml_parser_delete(&parser) }
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            return isWithin(limit, &parser)
        }
    }

    private static func isWithin(_ limit: Int, _ parser: inout yaml_parser_t) -> Bool {
        var scale = Scale()
        var isOver = false
        while !isOver {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { return true }
            defer { yaml_event_delete(&event) }
            scale.take(event)
            if scale.heaviest > limit { return false }
            isOver = event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT
        }
        return true
    }

    /// What was weighed so far: the collections that are open, and what each anchor holds.
    private struct Scale {
        private var open: [(anchor: String?, weight: Int)] = [(nil, 0)]
        private var anchors: [String: Int] = [:]
        private(set) var heaviest = 0

        mutating func take(_ event: yaml_event_t) {
            switch event.type {
            case YAML_ALIAS_EVENT:
                add(Self.name(event.data.alias.anchor).flatMap { anchors[$0] } ?? 1)
            case YAML_SCALAR_EVENT:
                close(Self.name(event.data.scalar.anchor), 1 + event.data.scalar.length)
            case YAML_SEQUENCE_START_EVENT:
                open.append((Self.name(event.data.sequence_start.anchor), 1))
            case YAML_MAPPING_START_EVENT:
                open.append((Self.name(event.data.mapping_start.anchor), 1))
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                if let last = open.popLast() { close(last.anchor, last.weight) }
            default: break
            }
        }

        private mutating func close(_ anchor: String?, _ weight: Int) {
            if let anchor { anchors[anchor] = weight }
            add(weight)
        }

        private mutating func add(_ weight: Int) {
            guard !open.isEmpty else { return }
            open[open.count - 1].weight += weight
            heaviest = max(heaviest, open[open.count - 1].weight)
        }

        private static func name(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
            text.map { String(cString: $0) }
        }
    }
}
