import Domain
import Foundation

/// What helm calls between rendering and applying: the objects of a release are marked, and listed for the agent.
public struct PostRenderer {
    let marking: ReleaseMarking

    /// An object that a release consists of, hooks aside.
    struct Reference: Codable, Sendable, Hashable {
        var apiVersion: String
        var kind: String
        var name: String
        var namespace: String?
    }

    /// What the folder holds that a post-renderer works in.
    enum File {
        static let marking = "marking.json"
        static let references = "objects.json"
        static let refusal = "refusal.txt"
    }

    /// Reads what helm has rendered, marks it, and leaves a list of the objects in the folder.
    ///
    /// - Parameters:
    ///   - text: YAML documents.
    ///   - folder: Where the marking lies, and where the list is written.
    /// - Returns: The documents that helm is to apply.
    /// - Throws: ``ManifestError`` where it refuses them; the sentence is left in the folder, for helm keeps it to itself.
    public static func run(_ text: String, folder: String) throws -> String {
        let place = URL(fileURLWithPath: folder)
        let marking = try JSONDecoder().decode(
            ReleaseMarking.self,
            from: try Data(contentsOf: place.appendingPathComponent(File.marking))
        )
        let rendered: (text: String, references: [Reference])
        do throws(ManifestError) {
            rendered = try PostRenderer(marking: marking).render(text)
        } catch {
            try? Data(error.sentence.utf8).write(to: place.appendingPathComponent(File.refusal))
            throw error
        }
        try JSONEncoder().encode(rendered.references).write(to: place.appendingPathComponent(File.references))
        return rendered.text
    }

    /// The agent keeps of each what it was like, in one config map, and tells of them in one message.
    static let mostObjects = 2000

    func render(_ text: String) throws(ManifestError) -> (text: String, references: [Reference]) {
        var output = ""
        var references: [Reference] = []
        for document in try RenderedYAML.objects(text) where !document.members.isEmpty {
            let marked = try marking.applied(to: document)
            try ReleaseBounds.check(document, of: marking.release.namespace)
            if let reference = Reference(document) { references.append(reference) }
            output += "---\n" + String(decoding: marked.json, as: UTF8.self) + "\n"
        }
        guard references.count <= Self.mostObjects else {
            throw ManifestError(
                sentence: "The chart renders \(references.count) objects; a release may have \(Self.mostObjects)."
            )
        }
        // Helm takes a post-renderer that writes nothing for one that has failed; a chart may render nothing.
        return (output.isEmpty ? "# The chart renders no objects.\n" : output, references)
    }

    /// The objects that a release consists of, by the manifest that helm has kept of it.
    static func references(in manifest: String) throws(ManifestError) -> [Reference] {
        try RenderedYAML.objects(manifest).filter { !$0.members.isEmpty }.compactMap { Reference($0) }
    }
}

extension PostRenderer.Reference {
    /// Names a rendered object; `nil` for a hook.
    init?(_ document: ObjectValue) {
        guard !document.isHook else { return nil }
        self.init(
            apiVersion: document["apiVersion"]?.string ?? "",
            kind: document["kind"]?.string ?? "",
            name: document.path("metadata", "name")?.string ?? "",
            namespace: document.path("metadata", "namespace")?.string
        )
    }
}
