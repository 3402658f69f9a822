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
    private let gate: HelmGate

    /// Names the programs.
    ///
    /// - Parameters:
    ///   - kubeconfig: The file that helm reads; a pod's service account otherwise.
    ///   - limit: How long helm may take for one thing, such as a hook.
    ///   - runs: How many releases are worked on at a time.
    public init(
        helm: String,
        agent: String,
        kubeconfig: String?,
        context: String?,
        limit: Duration = .seconds(600),
        runs: Int = 8
    ) {
        (self.helm, self.agent, self.kubeconfig) = (helm, agent, kubeconfig)
        (self.context, self.limit) = (context, limit)
        gate = HelmGate(runs: runs)
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
        try await work { stop throws(WorkFailure) in
            let folder = try HelmFolder(agent: agent)
            defer { folder.remove() }
            do {
                try folder.write(ReleaseMarking(request, template: template))
                try folder.write(values: request.values)
                let chart = try chart(of: request, in: folder, secrets, stop)
                var arguments = ["upgrade", "--install", request.instance] + chart
                arguments += ["--values", folder.values.path, "--server-side=true", "--force-conflicts"]
                arguments += ["--history-max", "10", "--post-renderer", HelmFolder.plugin]
                arguments += ["--post-renderer-args", folder.url.path]
                if !withHooks { arguments.append("--no-hooks") }
                let end = try run(arguments + ["--timeout", timeout], request.namespace, in: folder, stop)
                guard end.isGood else {
                    let failure = HelmComplaint(end.complaint, of: request).failure
                    // With the server out of reach there is nothing to put back to: the same is tried again.
                    if ![HelmComplaint.unreachable, HelmComplaint.unauthorized].contains(failure.code) {
                        try putBack(request, in: folder, stop)
                    }
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
                    message: "helm could not be run: \(error.whyNotRun)"
                )
            }
        }
    }

    /// Uninstalls a release; one that is not there is not an error.
    ///
    /// - Parameter withHooks: Whether its hooks run.
    func uninstall(_ release: String, in namespace: String, withHooks: Bool = true) async throws(WorkFailure) {
        try await work { stop throws(WorkFailure) in
            let folder = try HelmFolder(agent: agent)
            defer { folder.remove() }
            do {
                let end = try run(
                    ["uninstall", release, "--ignore-not-found", "--timeout", timeout]
                        + (withHooks ? [] : ["--no-hooks"]),
                    namespace,
                    in: folder,
                    stop
                )
                guard end.isGood else {
                    throw HelmComplaint(removal: end.complaint).failure
                }
            } catch let failure as WorkFailure {
                throw failure
            } catch {
                throw WorkFailure(
                    code: "helm_unusable",
                    message: "helm could not be run: \(error.whyNotRun)"
                )
            }
        }
    }

    /// After a failed upgrade the revision before runs again; after a failed installation nothing is left.
    ///
    /// What goes wrong here is not told: the next command of the release begins by repairing it.
    private func putBack(_ request: ReleaseRequested, in folder: HelmFolder, _ stop: HelmStop) throws {
        struct Revision: Decodable {
            let revision: Int
            let status: String
        }
        let history = try run(["history", request.instance, "--output", "json"], request.namespace, in: folder, stop)
        let revisions = (try? JSONDecoder().decode([Revision].self, from: Data(history.output))) ?? []
        if let good = revisions.last(where: { $0.status == "deployed" || $0.status == "superseded" }) {
            let arguments = ["rollback", request.instance, String(good.revision), "--no-hooks", "--force-conflicts"]
            _ = try run(arguments + ["--server-side=true", "--timeout", timeout], request.namespace, in: folder, stop)
        } else if !revisions.isEmpty {
            let arguments = ["uninstall", request.instance, "--no-hooks", "--ignore-not-found", "--timeout", timeout]
            _ = try run(arguments, request.namespace, in: folder, stop)
        }
    }

    private var timeout: String { "\(limit.components.seconds)s" }

    /// Where helm finds the chart: a plain one is made of releases that bring an image only.
    private func chart(
        of request: ReleaseRequested,
        in folder: HelmFolder,
        _ secrets: OpenedSecrets,
        _ stop: HelmStop
    ) throws -> [String] {
        guard let chart = request.chart else { return [try folder.plainChart(of: request).path] }
        let access = try secrets[.chart(request.instance)].map { try ChartAccess($0, to: chart) }
        let more = try access?.write(to: folder.url) ?? []
        if access?.isIndexed == true {
            let update = try run(["repo", "update"] + more, request.namespace, in: folder, stop)
            guard update.isGood else { throw HelmComplaint(update.complaint, of: request).failure }
        }
        return chart.place(access) + more
    }

    /// Works on a thread of its own; with its task helm ends, too, where it stands.
    private func work<R: Sendable>(
        _ body: @escaping @Sendable (HelmStop) throws(WorkFailure) -> R
    ) async throws(WorkFailure) -> R {
        let stop = HelmStop()
        await gate.enter()
        let result: Result<R, WorkFailure> = await withTaskCancellationHandler {
            await OwnThread.run("helm") { () throws(Never) in Result { () throws(WorkFailure) in try body(stop) } }
        } onCancel: {
            stop.stop()
        }
        await gate.leave()
        return try result.get()
    }

    private func run(
        _ arguments: [String],
        _ namespace: String,
        in folder: HelmFolder,
        _ stop: HelmStop
    ) throws -> HelmRun.End {
        guard !stop.isStopped else { throw Self.ended }
        var environment = folder.environment
        environment["KUBECONFIG"] = kubeconfig
        let place = ["--namespace", namespace] + (context.map { ["--kube-context", $0] } ?? [])
        let end = try HelmRun(helm: helm, guardian: agent, limit: limit * 2, stop: stop)
            .run(arguments + place, environment, in: folder.url)
        // What a killed helm says is no word about the release.
        if stop.isStopped { throw Self.ended }
        return end
    }

    /// What nobody is told: whoever ended it does the command again.
    private static let ended = WorkFailure(code: "helm_unusable", message: "helm was ended with its agent")
}
