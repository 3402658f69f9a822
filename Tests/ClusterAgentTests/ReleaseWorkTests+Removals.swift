import Domain
import Synchronization
import TestSupport
import Testing

@testable import ClusterAgent

/// Releases whose removal was begun and not ended, and objects that are still on their way out.
extension ReleaseWorkTests {
    /// What is left of a release.
    enum Rest: Sendable {
        case there
        case going
        case gone

        /// What the server tells of its only object.
        var object: String {
            let labels = #""slipway.io/instance":"web-1","slipway.io/command":"c-0""#
            let end = self == .going ? #""deletionTimestamp":"2026-11-23T10:00:00Z","# : ""
            return #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop-staging","#
                + #""uid":"u-1","resourceVersion":"3",\#(end)"labels":{\#(labels)}}}"#
        }
    }

    /// A removal that was begun, what is asked for after it, and what is done about it.
    struct Departure: Sendable {
        var rest: Rest
        var before: [Revision]
        var after: [Revision] = []
        var work: ClusterWork
        var calls: [String]
        /// Of each time that helm uninstalls, whether the hooks run.
        var hooks: [Bool] = []
        var forgotten: [String] = []
    }

    private static let uninstall = "uninstall web-1 --timeout"
    private static let begun = [Revision(1, "uninstalling", by: "c-0")]
    private static let firstSecret = "sh.helm.release.v1.web-1.v1"

    static let departures: [Departure] = [
        // A hook before it has failed, or was cut off: nothing was removed.
        Departure(
            rest: .there,
            before: begun,
            after: begun + [Revision(2, "deployed", by: "c-0")],
            work: .release(.web()),
            calls: ["rollback web-1 1", upgrade],
            forgotten: [firstSecret]
        ),
        // The way back had failed before, and was not brought to its end.
        Departure(
            rest: .there,
            before: begun + [Revision(2, "failed", by: "c-0")],
            after: begun + [Revision(2, "failed", by: "c-0"), Revision(3, "deployed", by: "c-0")],
            work: .release(.web()),
            calls: ["rollback web-1 1", upgrade],
            forgotten: [firstSecret]
        ),
        Departure(
            rest: .there,
            before: begun + [Revision(2, "deployed", by: "c-0")],
            work: .release(.web()),
            calls: [upgrade],
            forgotten: [firstSecret]
        ),
        Departure(rest: .there, before: begun, work: removal, calls: [uninstall], hooks: [true]),
        // It has got further than to its hooks: there is no way back.
        Departure(rest: .going, before: begun, work: .release(.web()), calls: [uninstall, upgrade], hooks: [false]),
        Departure(rest: .gone, before: begun, work: .release(.web()), calls: [uninstall, upgrade], hooks: [false]),
        Departure(rest: .going, before: begun, work: removal, calls: [uninstall, uninstall], hooks: [false, true]),
        Departure(rest: .gone, before: begun, work: removal, calls: [uninstall, uninstall], hooks: [false, true]),
    ]

    /// A server with what is left of a release, which is told as gone when that is so.
    private static func server(
        with rest: Rest,
        _ revisions: @escaping @Sendable () -> [Revision] = { [] },
        isGone: @escaping @Sendable () -> Bool
    ) async throws -> APIServerDouble {
        try await server(revisions) { request in
            switch request.path {
            case "\(place)/shop-staging/configmaps" where request.query["watch"] != nil:
                return (status: 200, body: isGone() ? #"{"type":"DELETED","object":\#(rest.object)}"# + "\n" : "")
            case "\(place)/shop-staging/configmaps":
                return (status: 200, body: list(rest == .gone ? [] : [rest.object]))
            case "\(place)/shop-staging/configmaps/settings":
                return rest == .gone ? (status: 404, body: "{}") : (status: 200, body: rest.object)
            default: return nil
            }
        }
    }

    @Test(arguments: departures)
    func `a removal that did not get further than to its hooks is taken back, or done with its hooks`(
        departure: Departure
    ) async throws {
        let program = try helm.program()
        let calls = { @Sendable [helm] in (try? helm.calls()) ?? [] }
        let server = try await Self.server(
            with: departure.rest,
            {
                let isBack = calls().contains { $0.hasPrefix("rollback") || $0.hasPrefix("uninstall") }
                return isBack ? departure.after : departure.before
            },
            isGone: { calls().contains(Self.uninstall) }
        )
        #expect(try await end(departure.work, on: server, program).failure == nil)
        #expect(calls() == departure.calls)
        let uninstalls = try helm.text("calls").split(separator: "\n").filter { $0.hasPrefix("uninstall") }
        #expect(uninstalls.map { !$0.contains("--no-hooks") } == departure.hooks)
        #expect(Self.deleted(on: server).filter { $0.hasPrefix("sh.helm") } == departure.forgotten)
    }

    @Test func `a removal that cannot be taken back leaves everything as it is, and says why`() async throws {
        let program = try helm.program(rollback: "echo 'Error: no matches for kind' >&2; exit 1")
        let server = try await Self.server(with: .there, { Self.begun }, isGone: { false })
        let failure = try await end(.release(.web()), on: server, program).failure
        #expect(failure == WorkFailure(code: "apply_failed", message: "helm: no matches for kind"))
        #expect(try helm.calls() == ["rollback web-1 1"])
        #expect(Self.deleted(on: server).isEmpty)
    }

    @Test func `nothing is installed over what is still on its way out`() async throws {
        let program = try helm.program()
        let server = try await Self.server(with: .going, isGone: { false })
        let failure = try await end(.release(.web()), on: server, program, isGivenUp: true).failure
        #expect(failure?.code == "objects_terminating")
        #expect(failure?.message.contains("ConfigMap 'settings'") == true)
        #expect((try? helm.calls()) == nil, "helm has done nothing")
    }

    @Test func `an installation waits until what was there before is gone`() async throws {
        let program = try helm.program()
        let looks = Mutex(0)
        let isEarly = Mutex(false)
        let server = try await Self.server(
            with: .going,
            {
                // What helm remembers is read right before the wait: from here on looks are counted.
                looks.withLock { $0 = max($0, 1) }
                return []
            },
            isGone: { [helm] in
                let look = looks.withLock { looks -> Int in
                    if looks > 0 { looks += 1 }
                    return looks
                }
                if look == 5, (try? helm.calls()) != nil { isEarly.withLock { $0 = true } }
                return look >= 5
            }
        )
        #expect(try await end(.release(.web()), on: server, program).failure == nil)
        #expect(try helm.calls() == [Self.upgrade])
        #expect(!isEarly.withLock { $0 })
    }
}
