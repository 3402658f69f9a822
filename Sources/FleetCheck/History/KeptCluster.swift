import Foundation

/// What a simulated cluster kept in its file: what became of its objects, and which command changed something.
package struct KeptCluster: Sendable {
    package var cluster: String
    /// Whether it was lost with all that it held, and another one is there in its place.
    package var isLost: Bool
    package var entries: [Entry]

    package init(cluster: String, isLost: Bool = false, entries: [Entry]) {
        (self.cluster, self.isLost, self.entries) = (cluster, isLost, entries)
    }

    /// What changed at one moment.
    package struct Entry: Decodable, Sendable {
        package var objects: [Object] = []
        package var removed: [ObjectName] = []
        /// The commands that changed something.
        package var effects: [Deed] = []
        /// The commands that are marked as done from then on.
        package var marks: [Deed] = []

        package init() {}
    }

    package struct ObjectName: Decodable, Sendable, Hashable {
        package var kind: String
        package var namespace: String
        package var name: String
    }

    package struct Object: Decodable, Sendable {
        package var id: ObjectName
        /// The object as agents tell it.
        package var shown: String
    }

    /// What a command did, or that it is done.
    package struct Deed: Decodable, Sendable {
        package var command: String
        package var generation: Int64
        package var namespace: String
        /// What it is about, in its namespace.
        package var subject: String
    }

    /// The objects that are there in the end.
    var objects: [ObjectName: String] {
        var present: [ObjectName: String] = [:]
        for entry in entries {
            for object in entry.objects { present[object.id] = object.shown }
            for name in entry.removed { present[name] = nil }
        }
        return present
    }

    /// Reads the clusters of a folder: `<cluster>.jsonl`, and `<cluster>.<number>.jsonl` of those that were lost.
    package static func read(folder: String) throws -> [KeptCluster] {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".jsonl") }
        return try files.sorted().map { file in
            let parts = file.split(separator: ".")
            return KeptCluster(
                cluster: String(parts[0]),
                isLost: parts.count > 2,
                entries: try readLines(Entry.self, of: "\(folder)/\(file)", isCut: true)
            )
        }
    }
}
