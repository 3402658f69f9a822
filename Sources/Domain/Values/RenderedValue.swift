internal import JSON

/// A leaf of values for people: texts in quotes, so that `"1"` and `1` are told apart.
enum RenderedValue {
    private static let longest = 200

    static func of(_ leaf: ValuesTree) -> String {
        switch leaf {
        case .null: "null"
        case .bool(let truth): truth ? "true" : "false"
        case .integer(let number): String(number)
        case .decimal(let number): "\(number)"
        case .text(let text):
            text.count <= longest ? quoted(text) : quoted(String(text.prefix(longest))) + "… (\(text.count) characters)"
        case .list: "[]"
        case .mapping: "{}"
        }
    }

    static func quoted(_ text: String) -> String {
        var writer = JSONWriter(capacity: text.utf8.count + 2)
        writer.value(text)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
