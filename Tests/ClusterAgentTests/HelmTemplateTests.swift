import ClusterAgent
import Domain
import Foundation
import Sealing
import Testing

/// A folder with a program named helm that prints what it is told.
struct HelmTemplateTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("helm-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func helm(_ script: String) throws -> HelmTemplate {
        let file = folder.appendingPathComponent("helm")
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        return try #require(HelmTemplate(path: folder.path))
    }

    private let chart = ChartReference(repository: "https://charts.example", name: "web", version: "1.2.3")

    @Test func `a chart is rendered by helm, with the release's values, and hooks are run and not kept`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let helm = try helm(
            """
            echo "$@" > \(folder.path)/arguments
            for last; do :; done
            cp "$last" \(folder.path)/values
            cat <<'END'
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web-1-web, labels: {tier: front}}
            spec:
              replicas: 1
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  containers: [{name: web, image: "web:1", env: [{name: PASSWORD, value: hidden}]}]
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: web-1-settings}
            data: {port: "8080"}
            ---
            apiVersion: batch/v1
            kind: Job
            metadata: {name: web-1-test, annotations: {"helm.sh/hook": test}}
            ---
            apiVersion: batch/v1
            kind: Job
            metadata:
              name: web-1-migrate
              annotations: {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-delete-policy": hook-succeeded}
            spec: {template: {spec: {containers: [{name: migrate, image: "web:1"}]}}}
            END
            """
        )
        var world = ClusterWorld(helm: helm)
        world.makeNamespace()
        world.start(.web(values: "a: 1\n", chart: chart))
        #expect(world.pass(atMost: 20) { $0.all("Deployment").first?.isRolledOut == true })
        #expect(world.all("Deployment").first?.labels["tier"] == "front")
        #expect(world.all("ConfigMap").map(\.id.name) == ["web-1-settings"])
        #expect(world.all("Job").isEmpty)
        #expect(world.all("ConfigMap").first?.content?["keys"]?.elements.compactMap(\.string) == ["port"])
        let stages = world.events.compactMap { if case .stage(_, let stage) = $0 { stage } else { nil } }
        #expect(stages.map(\.name) == ["web-1-migrate", "web-1-migrate"])
        #expect(stages.map(\.state) == [.running, .succeeded])
        let text = world.latest.values.map { String(decoding: $0.json, as: UTF8.self) }.joined()
        #expect(!text.contains("hidden") && !text.contains("8080"))
        let arguments = try String(contentsOf: folder.appendingPathComponent("arguments"), encoding: .utf8)
        #expect(
            arguments.hasPrefix(
                "template web-1 web --repo https://charts.example --version 1.2.3 --namespace shop-staging"
            )
        )
        #expect(try String(contentsOf: folder.appendingPathComponent("values"), encoding: .utf8) == "a: 1\n")
    }

    @Test func `what helm complains about is the command's failure`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var world = ClusterWorld(helm: try helm("echo 'Error: chart not found' >&2; exit 1"))
        world.makeNamespace()
        world.start(.web(chart: chart))
        world.pass(seconds: 2)
        let failure = try #require(world.end(of: "c-1") ?? nil)
        #expect(failure.code == "render_failed")
        #expect(failure.message == "helm could not render the chart (exit code 1): Error: chart not found")
    }

    @Test(arguments: [
        ("https://charts.example", "repositories.yaml"), ("oci://registry.example/charts", "registry.json"),
    ])
    func `a chart's password goes to helm in a file, never as an argument`(repository: String, file: String) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let helm = try helm(
            """
            echo "$@" >> \(folder.path)/arguments
            for argument; do case "$argument" in */\(file)) cp "$argument" \(folder.path)/access;; esac; done
            echo 'apiVersion: v1'; echo 'kind: ConfigMap'; echo 'metadata: {name: a}'
            """
        )
        var world = ClusterWorld(helm: helm)
        world.makeNamespace()
        var secrets = OpenedSecrets()
        secrets[.chart("web-1")] = SecretBytes(utf8: #"{"username":"robot","password":"hunter2"}"#)
        let chart = ChartReference(repository: repository, name: "web", version: "1.2.3")
        #expect(world.finish(.release(.web(chart: chart)), secrets: secrets) == .some(nil))
        let arguments = try String(contentsOf: folder.appendingPathComponent("arguments"), encoding: .utf8)
        #expect(!arguments.contains("hunter2") && arguments.contains("template web-1"))
        #expect(arguments.contains("repo update") == repository.hasPrefix("https"))
        let access = try String(contentsOf: folder.appendingPathComponent("access"), encoding: .utf8)
        let encoded = Data("robot:hunter2".utf8).base64EncodedString()
        #expect(access.contains("hunter2") || access.contains(encoded))
    }

    @Test func `without helm on the path there is no renderer`() {
        #expect(HelmTemplate(path: "/nonexistent:\(folder.path)") == nil)
        try? FileManager.default.removeItem(at: folder)
    }
}
