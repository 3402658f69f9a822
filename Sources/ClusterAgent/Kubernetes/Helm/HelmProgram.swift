import Domain
import Foundation
import Sealing

/// Changes releases with the `helm` program, each time in a folder of its own that is removed afterwards.
///
/// Helm is not asked to wait until what it made is healthy: the fleet judges that by what the agent reports. It runs on
/// a thread of its own, under a guard that ends it with the agent.
public struct HelmProgram: Sendable {
    /// The `helm` to run.
    let helm: String
    /// The agent's own program: it is the guard and the post-renderer.
    let agent: String
    let kubeconfig: String?
    let context: String?
    /// How long helm may take for one thing, such as a hook.
    let limit: Duration

    /// Names the programs.
    ///
    /// - Parameters:
    ///   - kubeconfig: The file that helm reads; a pod's service account otherwise.
    ///   - limit: How long helm may take for one thing, such as a hook.
    public init(
        helm: String,
        agent: String,
        kubeconfig: String?,
        context: String?,
        limit: Duration = .seconds(600)
    ) {
        (self.helm, self.agent, self.kubeconfig) = (helm, agent, kubeconfig)
        (self.context, self.limit) = (context, limit)
    }

    /// Installs or upgrades a release; one that fails is put back to what was there before.
    ///
    /// - Parameters:
    ///   - template: The command whose marks its pods carry.
    ///   - withHooks: Whether its hooks run: not when it is only scaled, stopped or restarted.
    /// - Returns: The objects that it consists of.
    func deploy(
        _ request: ReleaseRequested,
        secrets: OpenedSecrets,
        template: CommandMark,
        withHooks: Bool
    ) async throws(WorkFailure) -> [PostRenderer.Reference] {
        try await OwnThread.run("helm") { () throws(WorkFailure) in
            let folder = try HelmFolder(agent: agent)
            defer { folder.remove() }
            do {
                try folder.write(ReleaseMarking(request, template: template))
                try folder.write(values: request.values)
                let chart = try chart(of: request, in: folder, secrets)
                var arguments = ["upgrade", "--install", request.instance] + chart
                arguments += ["--values", folder.values.path, "--server-side=true", "--force-conflicts"]
                arguments += ["--history-max", "10", "--post-renderer", HelmFolder.plugin]
                arguments += ["--post-renderer-args", folder.url.path]
                if !withHooks { arguments.append("--no-hooks") }
                let end = try run(arguments + ["--timeout", timeout], request.namespace, in: folder)
                guard end.isGood else {
                    let failure = HelmComplaint(end.complaint, of: request).failure
                    // With the server away there is nothing to put back to: the same is tried again.
                    if failure.code != HelmComplaint.unreachable { try putBack(request, in: folder) }
                    throw failure
                }
                return try folder.references()
            } catch let failure as WorkFailure {
                throw failure
            } catch let error as ManifestError {
                throw WorkFailure(code: "render_failed", message: error.sentence)
            } catch {
                throw WorkFailure(
                    code: "helm_unusable",
                    message: "helm could not be run: \(error.localizedDescription)"
                )
            }
        }
    }

    /// Uninstalls a release; one that is not there is not an error.
    func uninstall(_ release: String, in namespace: String) async throws(WorkFailure) {
        try await OwnThread.run("helm") { () throws(WorkFailure) in
            let folder = try HelmFolder(agent: agent)
            defer { folder.remove() }
            do {
                let end = try run(
                    ["uninstall", release, "--ignore-not-found", "--timeout", timeout],
                    namespace,
                    in: folder
                )
                guard end.isGood else {
                    throw HelmComplaint(removal: end.complaint).failure
                }
            } catch let failure as WorkFailure {
                throw failure
            } catch {
                throw WorkFailure(
                    code: "helm_unusable",
                    message: "helm could not be run: \(error.localizedDescription)"
                )
            }
        }
    }

    /// After a failed upgrade the revision before runs again; after a failed installation nothing is left.
    ///
    /// What goes wrong here is not told: the next command of the release begins by repairing it.
    private func putBack(_ request: ReleaseRequested, in folder: HelmFolder) throws {
        struct Revision: Decodable {
            let revision: Int
            let status: String
        }
        let history = try run(["history", request.instance, "--output", "json"], request.namespace, in: folder)
        let revisions = (try? JSONDecoder().decode([Revision].self, from: Data(history.output))) ?? []
        if let good = revisions.last(where: { $0.status == "deployed" || $0.status == "superseded" }) {
            let arguments = ["rollback", request.instance, String(good.revision), "--no-hooks", "--force-conflicts"]
            _ = try run(arguments + ["--server-side=true", "--timeout", timeout], request.namespace, in: folder)
        } else if !revisions.isEmpty {
            let arguments = ["uninstall", request.instance, "--no-hooks", "--ignore-not-found", "--timeout", timeout]
            _ = try run(arguments, request.namespace, in: folder)
        }
    }

    private var timeout: String { "\(limit.components.seconds)s" }

    /// Where helm finds the chart: a plain one is made of releases that bring an image only.
    private func chart(of request: ReleaseRequested, in folder: HelmFolder, _ secrets: OpenedSecrets) throws -> [String]
    {
        guard let chart = request.chart else { return [try folder.plainChart(of: request).path] }
        let access = try secrets[.chart(request.instance)].map { try ChartAccess($0, to: chart) }
        let more = try access?.write(to: folder.url) ?? []
        if access?.isIndexed == true {
            let update = try run(["repo", "update"] + more, request.namespace, in: folder)
            guard update.isGood else { throw HelmComplaint(update.complaint, of: request).failure }
        }
        return chart.place(access) + more
    }

    private func run(_ arguments: [String], _ namespace: String, in folder: HelmFolder) throws -> HelmRun.End {
        var environment = folder.environment
        environment["KUBECONFIG"] = kubeconfig
        let place = ["--namespace", namespace] + (context.map { ["--kube-context", $0] } ?? [])
        return try HelmRun(helm: helm, guardian: agent, limit: limit * 2)
            .run(arguments + place, environment, in: folder.url)
    }
}
