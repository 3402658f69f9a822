import ClusterAgent
import Foundation
import TestSupport

/// A program in helm's place, in a folder of its own that goes with it; the agent's real executable is guard and
/// post-renderer.
final class HelmDouble: Sendable {
    let folder: URL
    let agent: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("helm-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        agent = try WorkerProcessHandle.executable("cluster-agent").path
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func file(_ name: String) -> String { folder.appendingPathComponent(name).path }
    func text(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

    /// Makes a helm that notes its calls, renders one ConfigMap, and then does what the scripts say.
    ///
    /// - Parameters:
    ///   - manifest: What the chart renders, on one line, and what is kept of the release.
    ///   - reading: What it does before it tells what is kept of the release.
    ///   - update: What it does to update its repositories.
    ///   - history: What it tells of the release's history.
    func program(
        manifest: String = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}",
        reading: String = ":",
        update: String = "exit 0",
        upgrade: String = "exit 0",
        history: String = "[]",
        rollback: String = "exit 0",
        uninstall: String = "exit 0",
        kubeconfig: String? = "/a/kubeconfig",
        podKubeconfig: [UInt8]? = nil,
        limit: Duration = .seconds(60),
        runs: Int = 8
    ) throws -> HelmProgram {
        let script = """
            #!/bin/sh
            echo "$@" >> \(file("calls"))
            env > \(file("environment"))
            case "$1" in
            history) echo '\(history)' ;;
            get) \(reading); echo '\(manifest)' ;;
            rollback) \(rollback) ;;
            uninstall) \(uninstall) ;;
            repo) \(update) ;;
            upgrade)
                while [ $# -gt 0 ]; do case "$1" in --post-renderer-args) place=$2 ;; esac; shift; done
                echo '\(manifest)' | \(agent) post-render "$place" > \(file("rendered")) 2> /dev/null || {
                    echo 'Error: UPGRADE FAILED: error while running post render' >&2
                    exit 1
                }
                \(upgrade) ;;
            esac
            """
        try Data(script.utf8).write(to: folder.appendingPathComponent("helm"))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file("helm"))
        return HelmProgram(
            helm: file("helm"),
            agent: agent,
            kubeconfig: kubeconfig,
            context: kubeconfig == nil ? nil : "east",
            podKubeconfig: podKubeconfig,
            limit: limit,
            runs: runs
        )
    }

    /// The first three words of each call, in their order.
    func calls() throws -> [String] {
        try text("calls").split(separator: "\n").map { $0.split(separator: " ").prefix(3).joined(separator: " ") }
    }
}
