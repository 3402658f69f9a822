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
    /// Of a pod: what helm reads once it acts as somebody else.
    let podKubeconfig: [UInt8]?
    /// The service account of the release's namespace as which helm acts; as the agent where there is none.
    private var account: String?
    /// How long helm may take for one thing, such as a hook.
    let limit: Duration
    private let gate: HelmGate
    private let workspace = HelmWorkspace()

    /// Names the programs.
    ///
    /// - Parameters:
    ///   - kubeconfig: The file that helm reads; a pod's service account otherwise.
    ///   - podKubeconfig: The content of a kubeconfig for that account.
    ///   - limit: How long helm may take for one thing, such as a hook.
    ///   - runs: How many releases are worked on at a time.
    public init(
        helm: String,
        agent: String,
        kubeconfig: String?,
        context: String?,
        podKubeconfig: [UInt8]? = nil,
        limit: Duration = .seconds(600),
        runs: Int = 8
    ) {
        (self.helm, self.agent, self.kubeconfig) = (helm, agent, kubeconfig)
        (self.context, self.podKubeconfig, self.limit) = (context, podKubeconfig, limit)
        gate = HelmGate(runs: runs)
    }

    /// The same helm, acting as a service account of each release's namespace: with its rights and no others.
    func acting(as account: String) -> HelmProgram {
        var program = self
        program.account = account
        return program
    }

    /// Removes what agents that were killed have left of their work, passwords too.
    func removeLeftovers() { workspace.removeLeftovers() }

    /// Installs or upgrades a release; one that fails is put back to what was there before.
    ///
    /// - Parameters:
    ///   - template: The command whose marks its pods carry.
    ///   - jobs: The secrets with which Jobs pull that are there already, by their names.
    ///   - withHooks: Whether its hooks run, see ``ReleaseOrigin``.
    ///   - hasBegun: Whether an attempt before may have changed something that helm does not remember.
    /// - Returns: The objects that it consists of.
    func deploy(
        _ request: ReleaseRequested,
        secrets: OpenedSecrets,
        template: CommandMark,
        jobs: [String: [String]] = [:],
        withHooks: Bool,
        hasBegun: Bool = false,
        _ turn: HelmTurn = HelmTurn()
    ) async throws(WorkFailure) -> [PostRenderer.Reference] {
        // The plain chart has none.
        try await workInFolder(turn.waitingForHooks(withHooks && request.chart != nil)) { folder, stop in
            try folder.write(ReleaseMarking(request, template: template, jobs: jobs))
            try folder.write(values: request.values)
            let chart = try chart(of: request, in: folder, secrets, stop)
            var arguments = ["upgrade", "--install", request.instance] + chart
            arguments += ["--values", folder.values.path, "--server-side=true", "--force-conflicts"]
            arguments += ["--history-max", "10", "--post-renderer", HelmFolder.plugin]
            arguments += ["--post-renderer-args", folder.url.path]
            // On helm's Secret: whose attempt it was, should nobody bring it to its end, or nobody note that end.
            // Helm keeps labels of the revision before, so each is always set.
            let labels = ["\(Label.command)=\(request.command)", "\(Label.deployment)=\(request.deployment ?? "")"]
            arguments += ["--labels", labels.joined(separator: ",")]
            if !withHooks { arguments.append("--no-hooks") }
            let end = try run(arguments + ["--timeout", timeout], request.namespace, in: folder, stop)
            guard end.isGood else {
                let failure = folder.refusal() ?? HelmComplaint(end.complaint, of: request).failure
                // With the server out of reach there is nothing to put back to: the same is tried again.
                if ![HelmComplaint.unreachable, HelmComplaint.unauthorized].contains(failure.code) {
                    // What goes wrong here is not told: the next command of the release begins by repairing it.
                    _ = try putBack(request.instance, in: request.namespace, hasBegun: hasBegun, folder, stop)
                }
                throw failure
            }
            return try folder.references()
        }
    }

    /// The objects that a revision of a release consists of, as helm remembers them; nothing is changed.
    func references(
        of release: String,
        revision: Int,
        in namespace: String,
        _ turn: HelmTurn = HelmTurn()
    ) async throws(WorkFailure) -> [PostRenderer.Reference] {
        try await workInFolder(turn) { folder, stop in
            let arguments = ["get", "manifest", release, "--revision", String(revision)]
            let end = try run(arguments, namespace, in: folder, stop)
            guard end.isGood else { throw HelmComplaint(reading: end.complaint).failure }
            return try PostRenderer.references(in: String(decoding: end.output, as: UTF8.self))
        }
    }

    /// Uninstalls a release; one that is not there is not an error.
    ///
    /// - Parameter withHooks: Whether its hooks run.
    func uninstall(
        _ release: String,
        in namespace: String,
        withHooks: Bool = true,
        _ turn: HelmTurn = HelmTurn()
    ) async throws(WorkFailure) {
        try await workInFolder(turn.waitingForHooks(withHooks)) { folder, stop in
            // Without helm's flag for it, which takes a history that could not be read for none.
            let arguments = ["uninstall", release, "--timeout", timeout] + (withHooks ? [] : ["--no-hooks"])
            let end = try run(arguments, namespace, in: folder, stop)
            guard end.isGood || HelmComplaint.isOfNoRelease(end.complaint) else {
                throw HelmComplaint(removal: end.complaint).failure
            }
        }
    }

    /// Puts a release back of which an attempt was not brought to its end, as after a failure.
    ///
    /// - Throws: Why helm could not.
    func putBack(
        _ release: String,
        in namespace: String,
        _ turn: HelmTurn = HelmTurn()
    ) async throws(WorkFailure) {
        try await workInFolder(turn) { folder, stop in
            guard let complaint = try putBack(release, in: namespace, hasBegun: true, folder, stop) else { return }
            throw HelmComplaint(removal: complaint).failure
        }
    }

    /// Applies a revision again whose removal was begun and has removed nothing: helm upgrades no release that is to go.
    func takeBack(
        _ release: String,
        to revision: Int,
        in namespace: String,
        _ turn: HelmTurn = HelmTurn()
    ) async throws(WorkFailure) {
        try await workInFolder(turn) { folder, stop in
            let end = try rollBack(release, to: revision, in: namespace, folder, stop)
            guard end.isGood else { throw HelmComplaint(wayBack: end.complaint).failure }
        }
    }

    private func rollBack(
        _ release: String,
        to revision: Int,
        in namespace: String,
        _ folder: HelmFolder,
        _ stop: HelmStop
    ) throws -> HelmRun.End {
        let arguments = ["rollback", release, String(revision), "--no-hooks", "--force-conflicts"]
        return try run(arguments + ["--server-side=true", "--timeout", timeout], namespace, in: folder, stop)
    }

    /// After a failed upgrade the revision before runs again; after a failed installation nothing is left.
    ///
    /// What did not begin, because its chart is not there, say, changes nothing.
    ///
    /// - Returns: What helm complains of, where it could not.
    private func putBack(
        _ release: String,
        in namespace: String,
        hasBegun: Bool,
        _ folder: HelmFolder,
        _ stop: HelmStop
    ) throws -> String? {
        struct Revision: Decodable {
            let revision: Int
            let status: String
        }
        let history = try run(["history", release, "--output", "json"], namespace, in: folder, stop)
        guard history.isGood else {
            return HelmComplaint.isOfNoRelease(history.complaint) ? nil : history.complaint
        }
        let revisions = (try? JSONDecoder().decode([Revision].self, from: Data(history.output))) ?? []
        // Helm notes an attempt before it changes anything: without a note there is nothing to put back.
        guard let last = revisions.last, hasBegun || last.status != "deployed" else { return nil }
        // Where a roll-back has failed, helm calls superseded what it was to undo.
        let good = revisions.last { $0.status == "deployed" } ?? revisions.last { $0.status == "superseded" }
        let end =
            if let good {
                try rollBack(release, to: good.revision, in: namespace, folder, stop)
            } else {
                try run(["uninstall", release, "--no-hooks", "--timeout", timeout], namespace, in: folder, stop)
            }
        return end.isGood || HelmComplaint.isOfNoRelease(end.complaint) ? nil : end.complaint
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
            guard update.isGood else { throw HelmComplaint(repository: update).failure }
        }
        return chart.place(access) + more
    }

    /// Works on a thread of its own in a folder of its own, which is removed afterwards.
    private func workInFolder<R: Sendable>(
        _ turn: HelmTurn,
        _ body: @escaping @Sendable (HelmFolder, HelmStop) throws -> R
    ) async throws(WorkFailure) -> R {
        try await work(turn) { stop throws(WorkFailure) in
            let folder = try HelmFolder(agent: agent, in: workspace)
            defer { folder.remove() }
            do {
                return try body(folder, stop)
            } catch let failure as WorkFailure {
                throw failure
            } catch let error as ManifestError {
                throw WorkFailure(code: "render_failed", message: error.sentence)
            } catch {
                throw WorkFailure(code: "helm_unusable", message: "helm could not be run: \(error.whyNotRun)")
            }
        }
    }

    /// Works on a thread of its own; with its task helm ends, too, where it stands.
    private func work<R: Sendable>(
        _ turn: HelmTurn,
        _ body: @escaping @Sendable (HelmStop) throws(WorkFailure) -> R
    ) async throws(WorkFailure) -> R {
        let stop = HelmStop()
        guard await gate.enter(turn) else { throw Self.notBegun }
        let result: Result<R, WorkFailure> = await withTaskCancellationHandler {
            await OwnThread.run("helm") { () throws(Never) in Result { () throws(WorkFailure) in try body(stop) } }
        } onCancel: {
            stop.stop()
        }
        await gate.leave(turn)
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
        var place = ["--namespace", namespace] + (context.map { ["--kube-context", $0] } ?? [])
        if let account {
            // What a pod has helm does not find any more when it acts as somebody else.
            if kubeconfig == nil { environment["KUBECONFIG"] = try podKubeconfig.map(folder.kubeconfig) }
            place += ["--kube-as-user", "system:serviceaccount:\(namespace):\(account)"]
        }
        let end = try HelmRun(helm: helm, guardian: agent, limit: limit * 2, stop: stop)
            .run(arguments + place, environment, in: folder.url)
        // What a killed helm says is no word about the release.
        if stop.isStopped { throw Self.ended }
        return end
    }

    /// What nobody is told: whoever ended it does the command again.
    private static let ended = WorkFailure(code: "helm_unusable", message: "helm was ended with its agent")

    /// What was taken back while every place was held.
    private static let notBegun = WorkFailure(
        code: "not_begun",
        message: "It was taken back before there was room for helm to begin; nothing was changed."
    )
}
