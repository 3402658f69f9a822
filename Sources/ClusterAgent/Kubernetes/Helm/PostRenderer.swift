import Domain
import Foundation

/// What a release's objects are to carry and how many pods they are to have: what helm is given as a post-renderer.
public struct PostRenderer: Codable, Sendable {
    var instance: String
    var application: String
    var command: String
    var generation: Int64
    /// The command whose marks the pods carry: pods that are only scaled keep theirs.
    var templateCommand: String
    var templateGeneration: Int64
    var replicas: [String: Int]?
    var stopped: Bool?
    var restart: String?
    var pullSecrets: [String]

    init(_ request: ReleaseRequested, template: CommandMark) {
        (instance, application) = (request.instance, request.application)
        (command, generation) = (request.command, request.generation)
        (templateCommand, templateGeneration) = (template.command, template.generation)
        (replicas, stopped, restart) = (request.replicas, request.stopped, request.restart)
        pullSecrets = (request.registrySecrets ?? []).map(\.name)
    }

    /// An object that a release consists of, hooks aside.
    struct Reference: Codable, Sendable, Hashable {
        var apiVersion: String
        var kind: String
        var name: String
        var namespace: String?
    }

    /// What the folder holds that a post-renderer works in.
    enum File {
        static let order = "order.json"
        static let references = "objects.json"
    }

    /// Reads what helm has rendered, marks it, and leaves a list of the objects in the folder.
    ///
    /// - Parameters:
    ///   - text: YAML documents.
    ///   - folder: Where the order lies, and where the list is written.
    /// - Returns: The documents that helm is to apply.
    public static func run(_ text: String, folder: String) throws -> String {
        let place = URL(fileURLWithPath: folder)
        let order = try JSONDecoder().decode(
            PostRenderer.self,
            from: try Data(contentsOf: place.appendingPathComponent(File.order))
        )
        let (output, references) = try order.render(text)
        try JSONEncoder().encode(references).write(to: place.appendingPathComponent(File.references))
        return output
    }

    func render(_ text: String) throws(ManifestError) -> (text: String, references: [Reference]) {
        var output = ""
        var references: [Reference] = []
        for document in try ObjectValue.documents(yaml: text) {
            guard !document.members.isEmpty else { continue }
            guard let kind = document["kind"]?.string, let apiVersion = document["apiVersion"]?.string,
                let name = document.path("metadata", "name")?.string
            else { throw ManifestError(sentence: "A rendered object has no apiVersion, kind or metadata.name.") }
            let isHook = Hook.isHook(document)
            if !isHook {
                let namespace = document.path("metadata", "namespace")?.string
                references.append(Reference(apiVersion: apiVersion, kind: kind, name: name, namespace: namespace))
            }
            output +=
                "---\n" + String(decoding: marked(document, kind, name, isHook: isHook).json, as: UTF8.self) + "\n"
        }
        return (output, references)
    }

    private func marked(_ document: ObjectValue, _ kind: String, _ name: String, isHook: Bool) -> ObjectValue {
        var object = document
        object["metadata"] = labelled(document["metadata"] ?? .empty, with: marks(command, generation))
        guard var spec = document["spec"] else { return object }
        switch kind {
        case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
            if kind == "Deployment" || kind == "StatefulSet" {
                if let count = replicas?["\(kind)/\(name)"] { spec["replicas"] = .int(Int64(count)) }
                if stopped == true { spec["replicas"] = 0 }
            }
            spec["template"] = adapted(
                spec["template"] ?? .empty,
                marks(templateCommand, templateGeneration),
                isRolled: true
            )
        case "Job":
            // The template of a Job that stays cannot be changed, so it carries nothing that changes.
            let marks = isHook ? marks(command, generation) : identity
            spec["template"] = adapted(spec["template"] ?? .empty, marks, isRolled: false)
        case "CronJob":
            var job = spec["jobTemplate"] ?? .empty
            var inner = job["spec"] ?? .empty
            inner["template"] = adapted(inner["template"] ?? .empty, identity, isRolled: false)
            job["spec"] = inner
            spec["jobTemplate"] = job
        default: return object
        }
        object["spec"] = spec
        return object
    }

    private var identity: [String: String] {
        [Label.instance: instance, Label.application: application]
    }

    private func marks(_ command: String, _ generation: Int64) -> [String: String] {
        identity.merging([Label.command: command, Label.generation: String(generation)]) { $1 }
    }

    /// Labels that a chart has set itself stay where its selectors may need them.
    private func labelled(_ metadata: ObjectValue, with marks: [String: String]) -> ObjectValue {
        var metadata = metadata
        var labels = (metadata["labels"] ?? .empty)
        for (name, value) in marks.sorted(by: { $0.key < $1.key }) { labels[name] = .string(value) }
        if labels[Label.helmInstance] == nil { labels[Label.helmInstance] = .string(instance) }
        metadata["labels"] = labels
        return metadata
    }

    private func adapted(_ template: ObjectValue, _ marks: [String: String], isRolled: Bool) -> ObjectValue {
        var template = template
        var metadata = labelled(template["metadata"] ?? .empty, with: marks)
        if isRolled, let restart {
            metadata["annotations"] = (metadata["annotations"] ?? .empty).merging([Label.restart: .string(restart)])
        }
        template["metadata"] = metadata
        if !pullSecrets.isEmpty {
            var pod = template["spec"] ?? .empty
            let present = pod["imagePullSecrets"]?.elements ?? []
            let named = pullSecrets.map { name -> ObjectValue in ["name": .string(name)] }
            pod["imagePullSecrets"] = .array(present + named.filter { !present.contains($0) })
            template["spec"] = pod
        }
        return template
    }
}
