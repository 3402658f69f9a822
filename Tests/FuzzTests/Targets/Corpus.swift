import Foundation

/// The inputs that lie in the repository.
enum Corpus {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Corpus")
    private static let topics = folder.deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "topics")

    /// The files of a decoder's folder; none where it has no folder.
    static func files(_ name: String) throws -> [[UInt8]] {
        let place = folder.appending(path: name)
        guard FileManager.default.fileExists(atPath: place.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: place.path).sorted().map { file in
            Array(try Data(contentsOf: place.appending(path: file)))
        }
    }

    /// The messages that a topic's contract shows, right and wrong.
    static func messages(_ topic: String) throws -> [[UInt8]] {
        let examples = topics.appending(path: "\(topic)/examples")
        return try FileManager.default.contentsOfDirectory(atPath: examples.path).sorted().compactMap { name in
            let whole = try JSONSerialization.jsonObject(with: Data(contentsOf: examples.appending(path: name)))
            guard let whole = whole as? [String: Any], let data = whole["data"] else { return nil }
            let headers = (whole["headers"] as? [String: String] ?? [:]).sorted { $0.key < $1.key }
            let body = try JSONSerialization.data(withJSONObject: data, options: [.fragmentsAllowed, .sortedKeys])
            return HostileMessage(key: whole["key"] as? String ?? "", headers: headers, data: Array(body)).bytes
        }
    }

    /// The data of those messages.
    static func data(_ topics: String...) throws -> [[UInt8]] {
        try topics.flatMap { try messages($0) }.map { HostileMessage($0).data }
    }
}
