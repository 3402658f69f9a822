import Domain
import TestSupport
import Testing

@testable import ClusterAgent

/// Releases that helm has brought to their end, and whether the hooks of their charts run again.
extension ReleaseWorkTests {
    private static let reading = "get manifest web-1"

    static let unnoted: [Story] = [
        Story(before: [Revision(1, "deployed", by: "c-1")], calls: [reading]),
        Story(before: [Revision(1, "superseded", by: "c-0"), Revision(2, "deployed", by: "c-1")], calls: [reading]),
        // Another attempt at the same was cut off.
        Story(
            before: [Revision(1, "deployed", by: "c-1"), Revision(2, "pending-upgrade", by: "c-1")],
            calls: [reading],
            deleted: ["sh.helm.release.v1.web-1.v2"]
        ),
        // It ran once, and was taken away again.
        Story(before: [Revision(1, "superseded", by: "c-1"), Revision(2, "deployed", by: "c-0")], calls: [upgrade]),
    ]

    @Test(arguments: unnoted)
    func `what helm has done and no agent could note is noted, and not done again`(story: Story) async throws {
        let (server, program) = try await world(of: story)
        let end = try await end(.release(.web()), on: server, program)
        #expect(end.failure == nil && end.objects == ["settings"])
        #expect(try helm.calls() == story.calls)
        #expect(Self.deleted(on: server) == story.deleted)
        let noted = try #require(server.asked.last { $0.method == "PATCH" && $0.path.contains("/slipway/configmaps/") })
        let kept = try ObjectValue(answer: noted.body)
        let record = try #require(MarkRecord(configMap: kept))
        #expect(record.command == "c-1" && record.template?.command == "c-1")
    }

    @Test func `what helm has made is read again while the server is away, and helm's words are told otherwise`()
        async throws
    {
        let tried = helm.file("tried")
        let away = "Kubernetes cluster unreachable: Get \"https://a/version\": EOF"
        let server = try await Self.server({ [Revision(1, "deployed", by: "c-1")] })
        let once = "[ -e \(tried) ] || { touch \(tried); echo 'Error: \(away)' >&2; exit 1; }"
        #expect(try await end(.release(.web()), on: server, helm.program(reading: once)).failure == nil)
        #expect(try helm.calls() == [Self.reading, Self.reading])
        let broken = try helm.program(reading: "echo 'Error: release: not found' >&2; exit 1")
        let failure = try await end(.release(.web()), on: server, broken).failure
        #expect(failure == WorkFailure(code: "apply_failed", message: "helm: release: not found"))
    }

    /// What there is, and what is asked for over it.
    struct Over: Sendable {
        /// The command that has made the newest revision and the mark, which says that it has made the version 1.0.0.
        var maker = "c-0"
        /// The deployment that the newest revision says it is of.
        var present: String?
        var isRepair = false
        var version = "1.0.0"
        var deployment: String?
        var runsHooks: Bool
    }

    static let over: [Over] = [
        Over(runsHooks: false), Over(version: "2.0.0", runsHooks: true),
        Over(maker: "c-1", isRepair: true, runsHooks: false),
        // The release says that the command has made it, whatever the mark says of what that was.
        Over(maker: "c-1", isRepair: true, version: "2.0.0", deployment: "c-1", runsHooks: false),
        // A redeployment, over one that an older agent has made, too.
        Over(deployment: "c-1", runsHooks: true), Over(present: "c-0", deployment: "c-1", runsHooks: true),
        Over(present: "c-0", deployment: "c-0", runsHooks: false), Over(deployment: "c-0", runsHooks: false),
        // An upgrade that was done and not noted, and is included by a command that scales.
        Over(present: "c-9", version: "2.0.0", deployment: "c-9", runsHooks: false),
    ]

    @Test(arguments: over)
    func `hooks run once for each deployment, and not for a command that they have run for`(over: Over) async throws {
        let mark = try Self.mark(of: .web(generation: over.maker == "c-1" ? 1 : 0, command: over.maker))
        let server = try await Self.server(
            { [Revision(1, "deployed", by: over.maker, over.present)] },
            answering: { request in
                request.path == "\(Self.place)/slipway/configmaps" ? (200, Self.list([mark])) : nil
            }
        )
        var request = ReleaseRequested.web(version: over.version)
        request.deployment = over.deployment
        if over.isRepair { request.repair = true }
        #expect(try await end(.release(request), on: server, helm.program()).failure == nil)
        #expect(try helm.calls() == [Self.upgrade])
        #expect(try !helm.text("calls").contains("--no-hooks") == over.runsHooks)
        #expect(try helm.text("calls").contains("slipway.io/deployment=\(over.deployment ?? "") "))
    }

    /// The config map that says that a command has made the release what it asked for.
    private static func mark(of request: ReleaseRequested) throws -> String {
        let form = ReleaseForm(request)
        var record = MarkRecord(.release(request), namespaceUID: "uid-shop-staging")
        record.template = MarkRecord.Template(
            command: request.command,
            generation: request.generation,
            content: String(form.content, radix: 16),
            form: String(form.template, radix: 16),
            isStopped: false
        )
        return String(decoding: try record.manifest(cluster: "east", home: "slipway").json, as: UTF8.self)
    }
}
