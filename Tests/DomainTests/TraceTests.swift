import CloudEvents
import Testing

@testable import Domain
@testable import WorkerRuntime

/// The W3C trace of a request or a release event goes on to what comes of it, with both of its headers.
@Suite struct TraceTests {
    private static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let state = "vendor=t61rcWkgMzE,other=2"
    private static let headers = [("traceparent", parent), ("tracestate", state)]

    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    private func deploy(_ version: String, _ headers: [(String, String)]) throws -> Outcome {
        try world.request("instance.deploy", key: "shop/staging", CommandWorld.deployment(version), headers: headers)
    }

    /// The names of the messages that carry both headers as they came.
    private static func traced(_ messages: [Published]) -> [String] {
        messages.filter { $0.headers["traceparent"] == parent && $0.headers["tracestate"] == state }.map(\.name)
    }

    @Test func `the results of a request and the messages to the agent have its trace`() throws {
        #expect(try deploy("1.0.0", Self.headers) == .applied)
        #expect(Self.traced(try world.published()) == ["release_requested", "accepted", "sent"])
        try world.report("acknowledged", of: try world.lastCommand())
        #expect(Self.traced(try world.published("deployment.results")) == ["acknowledged"])
    }

    @Test func `what a newer request does to a command has the command's trace, not the request's`() throws {
        #expect(try deploy("1.0.0", Self.headers) == .applied)
        _ = try world.published()
        #expect(try deploy("1.1.0", []) == .applied)
        let messages = try world.published()
        #expect(Set(Self.traced(messages)) == ["withdrawn", "superseded"])
        let others = messages.filter { $0.headers["traceparent"] == nil && $0.headers["tracestate"] == nil }
        #expect(Set(others.map(\.name)).isSuperset(of: ["release_requested", "accepted", "sent"]))
    }

    @Test func `a rejection has the trace of its request`() throws {
        _ = try deploy("9.9.9", Self.headers)
        #expect(Self.traced(try world.published()) == ["rejected"])
    }

    @Test func `a parent goes on alone, and a state without one is dropped`() throws {
        #expect(try deploy("1.0.0", [("traceparent", Self.parent)]) == .applied)
        let alone = try world.published().prefix(3)
        #expect(alone.allSatisfy { $0.headers["traceparent"] == Self.parent && $0.headers["tracestate"] == nil })
        #expect(try deploy("1.1.0", [("tracestate", Self.state)]) == .applied)
        let messages = try world.published()
        #expect(messages.contains { $0.name == "sent" })
        #expect(messages.allSatisfy { $0.headers["tracestate"] == nil })
        #expect(try world.text("select count(*) from command where tracestate is not null") == "0")
    }

    @Test func `what a rule makes of a release, and says of it, has the release's trace`() throws {
        let releases = try ReleaseHandlerTests.World()
        let body = Webhook.pushed("1.4.2", name: "api")
        let event = Webhook.event("harbor.artifact.pushed", body, headers: Self.headers)
        #expect(try releases.handle(event) == [.applied])
        #expect(Set(Self.traced(try releases.commands.published())) == ["deploy", "evaluated"])
    }

    @Test func `a CDEvent about a service has the trace of its command`() {
        let record = CDEvent.service(
            .removed,
            environment: "shop/staging",
            service: "web",
            artifact: "",
            id: "1",
            worker: "agent-worker",
            time: 0,
            trace: TraceContext(parent: Self.parent, state: Self.state)
        )
        let headers = record.headers.map { "\($0.0): \(String(decoding: $0.1 ?? [], as: UTF8.self))" }
        #expect(headers.suffix(2) == ["traceparent: \(Self.parent)", "tracestate: \(Self.state)"])
    }
}
