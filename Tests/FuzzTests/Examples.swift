import Foundation

/// The corpus: what the contracts show, right and wrong, and a folder of other texts.
struct Example {
    let topic: String
    let key: String
    let headers: [(String, String)]
    let data: [UInt8]

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The examples of a topic.
    static func all(_ topic: String) throws -> [Example] {
        let folder = root.appending(path: "topics/\(topic)/examples")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().compactMap { name in
            let whole = try JSONSerialization.jsonObject(with: Data(contentsOf: folder.appending(path: name)))
            guard let whole = whole as? [String: Any], let data = whole["data"] else { return nil }
            let headers = (whole["headers"] as? [String: String] ?? [:]).sorted { $0.key < $1.key }
            return Example(
                topic: topic,
                key: whole["key"] as? String ?? "",
                headers: headers.map { ($0.key, $0.value) },
                data: Array(
                    try JSONSerialization.data(withJSONObject: data, options: [.fragmentsAllowed, .sortedKeys])
                )
            )
        }
    }

    /// The texts of a folder beside this file.
    static func texts(_ folder: String) throws -> [[UInt8]] {
        let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(folder)")
        return try FileManager.default.contentsOfDirectory(atPath: url.path).sorted().map { name in
            Array(try Data(contentsOf: url.appending(path: name)))
        }
    }

    func header(_ name: String) -> String? { headers.last { $0.0 == name }?.1 }
}
