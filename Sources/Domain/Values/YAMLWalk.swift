import CYaml
import Yams

/// One walk over the events of a YAML text: where it ends early, and what a reader of values would not take.
struct YAMLWalk {
    /// Why the walk ended before the text did; lines are counted from 1.
    struct Fault {
        let line: Int
        /// Where that began which does not end, such as a quote or a bracket; else the same line.
        let opening: Int
        let sentence: String
    }

    /// What is well formed and wrong all the same.
    struct Oddity {
        let line: Int
        let sentence: String
        var isAlias = false
    }

    private(set) var fault: Fault?
    private(set) var oddities: [Oddity] = []

    private var open: [Frame] = []
    private var anchors: Set<String> = []
    private var documents = 0

    /// A list, or a mapping with the keys that it has so far and their lines.
    private struct Frame {
        var isMapping: Bool
        var expectsKey = true
        var keys: [String: Int] = [:]
    }

    init(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var parser = yaml_parser_t()
            guard yaml_parser_initialize(&parser) == 1 else { return }
            defer { yaml_parser_delete(&parser) }
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            walk(&parser, bytes)
        }
    }

    private mutating func walk(_ parser: inout yaml_parser_t, _ bytes: UnsafeBufferPointer<UInt8>) {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else {
                fault = Self.fault(parser, bytes)
                return
            }
            defer { yaml_event_delete(&event) }
            if event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT { return }
            take(event)
        }
    }

    private static func fault(_ parser: yaml_parser_t, _ bytes: UnsafeBufferPointer<UInt8>) -> Fault {
        let problem = parser.problem.map { String(cString: $0) } ?? "it cannot be parsed"
        if parser.error == YAML_READER_ERROR {
            let line = bytes.prefix(parser.problem_offset).count { $0 == UInt8(ascii: "\n") } + 1
            return Fault(line: line, opening: line, sentence: problem)
        }
        let context = parser.context.map { String(cString: $0) } ?? ""
        // A block mapping is open from its first line on, which says nothing; these begin where the mistake is.
        let isOpening = context.hasPrefix("while scanning") || context.hasPrefix("while parsing a flow")
        let line = Int(parser.problem_mark.line) + 1
        let opening = isOpening ? Int(parser.context_mark.line) + 1 : line
        let began = opening == line ? "" : " in what began in line \(opening)"
        return Fault(
            line: line,
            opening: opening,
            sentence: "\(problem)\(began) (column \(Int(parser.problem_mark.column) + 1))"
        )
    }

    private mutating func take(_ event: yaml_event_t) {
        let line = Int(event.start_mark.line) + 1
        switch event.type {
        case YAML_DOCUMENT_START_EVENT:
            documents += 1
            if documents == 2 { note(line, "a second document begins; values should be one") }
        case YAML_ALIAS_EVENT:
            let name = Self.text(event.data.alias.anchor)
            if let name, !anchors.contains(name) {
                oddities.append(Oddity(line: line, sentence: "the alias '*\(name)' has no anchor", isAlias: true))
            }
            value(line)
        case YAML_SCALAR_EVENT: scalar(event, line)
        case YAML_SEQUENCE_START_EVENT:
            anchor(event.data.sequence_start.anchor)
            value(line, opening: Frame(isMapping: false))
        case YAML_MAPPING_START_EVENT:
            anchor(event.data.mapping_start.anchor)
            value(line, opening: Frame(isMapping: true))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: _ = open.popLast()
        default: break
        }
    }

    private mutating func scalar(_ event: yaml_event_t, _ line: Int) {
        let scalar = event.data.scalar
        anchor(scalar.anchor)
        guard let last = open.indices.last, open[last].isMapping, open[last].expectsKey else {
            return value(line)
        }
        let text = Self.text(scalar.value) ?? ""
        // A plain 1 and a quoted "1" are two keys to the reader of values.
        let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
        let identity = (isPlain ? Node(text).tag.description : Tag.Name.str.rawValue) + " " + text
        if let earlier = open[last].keys[identity] {
            note(line, "the key \(FieldPath.quoted(text)) stands in line \(earlier) already")
        } else {
            open[last].keys[identity] = line
        }
        open[last].expectsKey = false
    }

    /// A node begins that is no scalar key.
    private mutating func value(_ line: Int, opening frame: Frame? = nil) {
        if open.isEmpty, documents == 1, frame?.isMapping != true {
            note(line, "values should be a mapping, such as 'replicaCount: 2'")
        }
        if let last = open.indices.last, open[last].isMapping { open[last].expectsKey.toggle() }
        if let frame { open.append(frame) }
    }

    private mutating func anchor(_ name: UnsafeMutablePointer<yaml_char_t>?) {
        if let name = Self.text(name) { anchors.insert(name) }
    }

    private mutating func note(_ line: Int, _ sentence: String) {
        oddities.append(Oddity(line: line, sentence: sentence))
    }

    private static func text(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }
}
