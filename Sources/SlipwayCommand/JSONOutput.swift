import Foundation

/// Prints rows as JSON.
func printJSON(rows: [[String: Any]]) throws {
    let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try JSONSerialization.data(withJSONObject: rows, options: options), as: UTF8.self))
}

/// Prints a value as JSON.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
