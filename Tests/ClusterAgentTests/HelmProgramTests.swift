import Domain
import Foundation
import Processes
import Sealing
import Synchronization
import TestSupport
import Testing

@testable import ClusterAgent

/// What the agent has helm do, with a program in helm's place and the agent's real executable as guard and post-renderer.
@Suite(.timeLimit(.minutes(5)))
struct HelmProgramTests {
    private let double: HelmDouble

    init() throws { double = try HelmDouble() }

    private var folder: URL { double.folder }
    private var agent: String { double.agent }

    private func file(_ name: String) -> String { double.file(name) }
    private func text(_ name: String) throws -> String { try double.text(name) }
    private func calls() throws -> [String] { try double.calls() }

    private func deploy(
        _ helm: HelmProgram,
        _ turn: HelmTurn = HelmTurn(),
        _ request: ReleaseRequested = .web(),
        withHooks: Bool = false
    ) async -> Result<[PostRenderer.Reference], WorkFailure> {
        let mark = CommandMark(command: "c-1", generation: 1)
        do throws(WorkFailure) {
            return .success(
                try await helm.deploy(request, secrets: OpenedSecrets(), template: mark, withHooks: withHooks, turn)
            )
        } catch {
            return .failure(error)
        }
    }

    @Test func `a release is upgraded or installed, marked on the way, and its objects are known`() async throws {
        let references = try await deploy(double.program()).get()
        #expect(references == [.init(apiVersion: "v1", kind: "ConfigMap", name: "settings", namespace: nil)])
        let marked = try ObjectValue(yaml: text("rendered"))
        #expect(marked.path("metadata", "labels", Label.command) == "c-1")
        let calls = try text("calls")
        #expect(calls.hasPrefix("upgrade --install web-1 ") && calls.contains("--no-hooks"))
        #expect(calls.contains("--labels slipway.io/command=c-1,slipway.io/deployment= "))
        #expect(calls.contains("--namespace shop-staging --kube-context east"))
        #expect(try text("environment").contains("KUBECONFIG=/a/kubeconfig"))
        #expect(try !text("environment").contains("\nSLIPWAY_"))
    }

    @Test func `helm acts as an account of the release's namespace where the agent may, by a kubeconfig in a pod too`()
        async throws
    {
        let flag = "--kube-as-user system:serviceaccount:shop-staging:slipway-helm"
        let copy = "cp \"$KUBECONFIG\" \(file("kubeconfig")) || true"
        let pod = Array(#"{"kind":"Config"}"#.utf8)
        _ = try await deploy(double.program(upgrade: copy, kubeconfig: nil, podKubeconfig: pod)).get()
        #expect(try !text("calls").contains("--kube-as-user") && !text("environment").contains("\nKUBECONFIG="))
        let helm = try double.program(upgrade: copy, kubeconfig: nil, podKubeconfig: pod).acting(as: "slipway-helm")
        _ = try await deploy(helm).get()
        #expect(try text("calls").contains(flag))
        #expect(try text("kubeconfig") == #"{"kind":"Config"}"#)
        _ = try await deploy(double.program().acting(as: "slipway-helm")).get()
        #expect(try text("calls").split(separator: "\n").last?.contains("--kube-context east \(flag)") == true)
        #expect(try text("environment").contains("KUBECONFIG=/a/kubeconfig"))
    }

    static let histories: [(history: String, act: String?)] = [
        ("[]", nil),
        (#"[{"revision":1,"status":"failed"}]"#, "uninstall web-1 --no-hooks"),
        // Nothing was begun.
        (#"[{"revision":1,"status":"superseded"},{"revision":2,"status":"deployed"}]"#, nil),
        (
            #"[{"revision":1,"status":"superseded"},{"revision":2,"status":"deployed"},{"revision":3,"status":"failed"}]"#,
            "rollback web-1 2"
        ),
        (
            #"[{"revision":2,"status":"deployed"},{"revision":3,"status":"superseded"},{"revision":4,"status":"failed"}]"#,
            "rollback web-1 2"
        ),
    ]

    @Test(arguments: histories)
    func `a release that fails is put back to what was there before`(history: String, act: String?) async throws {
        let helm = try double.program(upgrade: "echo 'Error: admission webhook said no' >&2; exit 1", history: history)
        await #expect(throws: WorkFailure(code: "apply_failed", message: "helm: admission webhook said no")) {
            try await deploy(helm).get()
        }
        #expect(try calls() == ["upgrade --install web-1", "history web-1 --output"] + (act.map { [$0] } ?? []))
    }

    static let removals: [(complaint: String?, code: String?)] = [
        (nil, nil),
        ("Error: uninstall: Release not loaded: web-1: release: not found", nil),
        ("Error: uninstall: Release not loaded: web-1: query: failed to query: Unauthorized", "cluster_unauthorized"),
        (
            "Error: uninstall: Release not loaded: web-1: query: failed to query: Get \"https://a/api\": EOF",
            "cluster_unreachable"
        ),
        (
            "Error: uninstall: Release not loaded: web-1: query: failed to query: secrets is forbidden: User \"a\"",
            "uninstall_failed"
        ),
        (
            "Error: uninstall: Release not loaded: web-1: query: failed to query with labels: secrets is forbidden: User \"a\"",
            "cluster_unauthorized"
        ),
        (
            "Error: uninstallation completed with 2 error(s): a hook failed; uninstall: Failed to purge: release: not found",
            "uninstall_failed"
        ),
    ]

    @Test(arguments: removals)
    func `a release that is not there is removed, and one that helm cannot read is not`(
        complaint: String?,
        code: String?
    ) async throws {
        let helm = try double.program(uninstall: complaint.map { "echo '\($0)' >&2; exit 1" } ?? "exit 0")
        var failure: WorkFailure?
        do throws(WorkFailure) {
            try await helm.uninstall("web-1", in: "shop-staging")
        } catch {
            failure = error
        }
        #expect(failure?.code == code)
        #expect(try calls() == ["uninstall web-1 --timeout"])
        #expect(try !text("calls").contains("--ignore-not-found"))
    }

    @Test func `a helm that does not end is ended, and the reason is told`() async throws {
        let helm = try double.program(upgrade: "echo $$ > \(file("pid")); exec tail -f /dev/null", limit: .seconds(4))
        guard case .failure(let failure) = await deploy(helm) else {
            Issue.record("it should fail")
            return
        }
        #expect(failure.code == "timed_out" && failure.message == "helm: helm did not end within 8 seconds")
        let pid = try #require(Int32(try text("pid").trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(kill(pid, 0) != 0, "it was killed")
    }

    @Test func `a helm that somebody kills, such as the kernel, says so, and its attempt is put back`() async throws {
        let history = #"[{"revision":1,"status":"deployed"},{"revision":2,"status":"pending-upgrade"}]"#
        let helm = try double.program(upgrade: "kill -9 $$", history: history)
        let words = "helm: helm was killed; there may have been too little memory for it"
        await #expect(throws: WorkFailure(code: "apply_failed", message: words)) { try await deploy(helm).get() }
        #expect(try calls().last == "rollback web-1 1")
    }

    @Test func `a helm whose work is abandoned is ended, and nothing is put back`() async throws {
        let script = "echo $$ > \(file("pid")); exec tail -f /dev/null"
        let helm = try double.program(upgrade: script, limit: .seconds(1000))
        let work = Task { await deploy(helm) }
        var pid: Int32?
        while pid == nil {
            await Task.yield()
            pid = (try? text("pid")).flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        }
        work.cancel()
        guard case .failure(let failure) = await work.value else {
            Issue.record("it should fail")
            return
        }
        #expect(failure.code == "helm_unusable")
        #expect(kill(try #require(pid), 0) != 0, "it was killed")
        #expect(try calls() == ["upgrade --install web-1"])
    }

    @Test func `no more releases are worked on at a time than there is room for, and all are`() async throws {
        // Each notes how many are there with it.
        let script = """
            mkdir -p \(file("inside")); touch \(file("inside"))/$$
            ls \(file("inside")) | wc -l >> \(file("counts")); rm \(file("inside"))/$$
            """
        let helm = try double.program(upgrade: script, runs: 2)
        await withTaskGroup { group in
            for _ in 1...5 { group.addTask { _ = await deploy(helm) } }
        }
        let counts = try text("counts").split(separator: "\n").compactMap {
            Int($0.trimmingCharacters(in: .whitespaces))
        }
        #expect(counts.count == 5 && counts.allSatisfy { $0 <= 2 }, "\(counts)")
    }

    @Test func `who was taken back while there was no room has helm do nothing`() async throws {
        let script = "echo $$ > \(file("pid")); exec tail -f /dev/null"
        let helm = try double.program(upgrade: script, limit: .seconds(1000), runs: 1)
        let first = Task { await deploy(helm) }
        while (try? text("pid"))?.hasSuffix("\n") != true { await Task.yield() }
        // It is wanted when it comes, and no more when it is looked at next.
        let looks = Mutex(0)
        let turn = HelmTurn(isWanted: {
            looks.withLock { looks -> Bool in
                looks += 1
                return looks == 1
            }
        })
        let second = Task { await deploy(helm, turn) }
        while looks.withLock({ $0 }) == 0 { await Task.yield() }
        first.cancel()
        _ = await first.value
        guard case .failure(let failure) = await second.value else {
            Issue.record("it should fail")
            return
        }
        #expect(failure.code == "not_begun")
        #expect(try calls() == ["upgrade --install web-1"])
    }

    @Test func `a plain image needs no place that charts with hooks may hold`() async throws {
        let script = "[ -e \(file("pid")) ] && exit 0; echo $$ > \(file("pid")); exec tail -f /dev/null"
        let helm = try double.program(upgrade: script, limit: .seconds(1000), runs: 2)
        let chart = ChartReference(repository: "oci://r.example", name: "web", version: nil)
        let first = Task { await deploy(helm, HelmTurn(), .web(chart: chart), withHooks: true) }
        while (try? text("pid"))?.hasSuffix("\n") != true { await Task.yield() }
        _ = try await deploy(helm, withHooks: true).get()
        first.cancel()
        _ = await first.value
        #expect(try calls().count == 2)
    }

    @Test func `what runs under the guard ends with who started the guard`() throws {
        // An input that has ended is what a dead agent leaves.
        let guarded = try WorkerProcessHandle(
            "cluster-agent",
            ["guard", "--", "/usr/bin/tail", "-f", "/dev/null"],
            environment: [:],
            folder: folder.path,
            input: "/dev/null"
        )
        #expect(try guarded.exitCode() == 128 + SIGKILL)
    }

    @Test func `how helm ended is known also where SIGCHLD was ignored from the start`() throws {
        let lifeline = try Lifeline()
        let script = #"trap '' CHLD; exec "$0" guard -- /bin/sh -c 'exit 3'"#
        let process = try ChildProcess(["/bin/sh", "-c", script, agent], input: lifeline.stream)
        lifeline.handOver()
        #expect(process.wait(atMost: .seconds(60)) == .code(3))
    }

    @Test func `a helm that cannot be run is named with the reason`() async {
        let obstacle = await HelmLookup.obstacle(to: file("helm"))
        #expect(obstacle?.hasSuffix("cannot be started or opened: No such file or directory.") == true)
        let helm = HelmProgram(helm: file("helm"), agent: file("agent"), kubeconfig: "/k", context: nil)
        guard case .failure(let failure) = await deploy(helm) else {
            Issue.record("it should fail")
            return
        }
        #expect(failure.code == "helm_unusable" && failure.message.contains("No such file or directory"))
    }

    @Test(arguments: [("v4.1.0", true), ("v3.17.1", false), ("no version", false)])
    func `a helm older than 4 is refused`(version: String, isGood: Bool) async throws {
        try Data("#!/bin/sh\nprintf '\(version)'\n".utf8).write(to: folder.appendingPathComponent("helm"))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file("helm"))
        let found = try #require(HelmLookup.find(on: "/nowhere:\(folder.path)"))
        let obstacle = await HelmLookup.obstacle(to: found)
        #expect((obstacle == nil) == isGood)
    }
}
