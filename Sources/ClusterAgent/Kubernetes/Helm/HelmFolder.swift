import Domain
import Foundation

/// A folder that only this user can read, with all that helm reads and writes for one command.
struct HelmFolder: Sendable {
    let url: URL
    private let agent: String

    /// What helm calls the post-renderer.
    static let plugin = "slipway"

    init(agent: String, in workspace: HelmWorkspace) throws(WorkFailure) {
        self.agent = agent
        do {
            url = try workspace.folder().appendingPathComponent(UUID().uuidString)
            try make(url)
            let folder = url.appendingPathComponent("plugins/\(Self.plugin)")
            try make(folder)
            let command: ObjectValue = ["command": .string(agent), "args": ["post-render"]]
            let plugin: ObjectValue = [
                "apiVersion": "v1", "type": "postrenderer/v1", "name": .string(Self.plugin), "version": "1.0.0",
                "runtime": "subprocess", "runtimeConfig": ["platformCommand": [command]],
            ]
            // JSON is YAML too.
            try Data(plugin.json).write(to: folder.appendingPathComponent("plugin.yaml"))
        } catch {
            throw WorkFailure(
                code: "helm_unusable",
                message: "The agent cannot write to its temporary folder: \(error.localizedDescription)"
            )
        }
    }

    var values: URL { url.appendingPathComponent("values.yaml") }

    /// Where helm keeps what it downloads and knows: nothing of this user's own.
    var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["HELM_PLUGINS"] = url.appendingPathComponent("plugins").path
        for (name, folder) in [("CACHE", "cache"), ("CONFIG", "config"), ("DATA", "data")] {
            environment["HELM_\(name)_HOME"] = url.appendingPathComponent(folder).path
        }
        // The agent's own secrets are not helm's business.
        for name in environment.keys where name.hasPrefix("SLIPWAY_") { environment[name] = nil }
        return environment
    }

    func write(_ marking: ReleaseMarking) throws {
        try JSONEncoder().encode(marking).write(to: url.appendingPathComponent(PostRenderer.File.marking))
    }

    /// Writes a kubeconfig, and returns where it is.
    func kubeconfig(_ content: [UInt8]) throws -> String {
        let file = url.appendingPathComponent("kubeconfig.json")
        try Data(content).write(to: file)
        return file.path
    }

    func write(values text: String) throws {
        try Data(text.utf8).write(to: values)
    }

    /// The objects that the post-renderer has seen.
    func references() throws -> [PostRenderer.Reference] {
        let data = try Data(contentsOf: url.appendingPathComponent(PostRenderer.File.references))
        return try JSONDecoder().decode([PostRenderer.Reference].self, from: data)
    }

    /// Why the post-renderer has refused what the chart renders: helm says only that it did.
    func refusal() -> WorkFailure? {
        let file = url.appendingPathComponent(PostRenderer.File.refusal)
        guard let sentence = try? String(contentsOf: file, encoding: .utf8), !sentence.isEmpty else { return nil }
        return WorkFailure(code: "render_failed", message: sentence)
    }

    /// Writes a chart of a plain Deployment and Service: what a release is that brings an image and no chart.
    func plainChart(of request: ReleaseRequested) throws -> URL {
        let image = try PlainRelease.image(of: request)
        let chart = url.appendingPathComponent("plain")
        try make(chart.appendingPathComponent("templates"))
        let name: ObjectValue = [
            "apiVersion": "v2", "name": "plain", "version": "1.0.0", "appVersion": .string(request.version),
        ]
        try Data(name.json).write(to: chart.appendingPathComponent("Chart.yaml"))
        let objects = PlainRelease.objects(request, image: image, values: try ObjectValue(yaml: request.values))
        let text = objects.map { "---\n" + String(decoding: $0.json, as: UTF8.self) + "\n" }.joined()
        // A file, not a template: braces in it mean nothing.
        try Data(text.utf8).write(to: chart.appendingPathComponent("objects.yaml"))
        let template = #"{{ .Files.Get "objects.yaml" }}"# + "\n"
        try Data(template.utf8).write(to: chart.appendingPathComponent("templates/objects.yaml"))
        return chart
    }

    func remove() {
        try? FileManager.default.removeItem(at: url)
    }

    private func make(_ folder: URL) throws {
        try FileManager.default.createDirectory(
            at: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }
}
