import CloudEvents
import Foundation
import Testing
import WorkerRuntime

@testable import Domain

/// One agent speaks for a cluster: whichever the database gave the newest epoch.
@Suite struct AgentTests {
    let fresh = AgentRecord(uid: nil, epoch: 0, boot: nil, sequence: 0, state: .unknown)
    let known = AgentRecord(uid: "u1", epoch: 4, boot: "b4", sequence: 90, state: .connected)

    @Test func `the first hello binds the cluster and gets epoch 1`() {
        let expected = AgentRecord(uid: "u1", epoch: 1, boot: "b1", sequence: 0, state: .connected)
        #expect(fresh.hello(boot: "b1", clusterUID: "u1", isSuperseded: false) == .welcome(expected, isNewBoot: true))
    }

    @Test func `the same boot's second hello changes nothing`() {
        #expect(known.hello(boot: "b4", clusterUID: "u1", isSuperseded: false) == .welcome(known, isNewBoot: false))
    }

    @Test func `a new boot takes over with the next epoch, and numbers begin again`() {
        let expected = AgentRecord(uid: "u1", epoch: 5, boot: "b5", sequence: 0, state: .connected)
        #expect(known.hello(boot: "b5", clusterUID: "u1", isSuperseded: false) == .welcome(expected, isNewBoot: true))
    }

    @Test func `a boot once superseded never comes back`() {
        guard case .refuse(_, let isConflict) = known.hello(boot: "b3", clusterUID: "u1", isSuperseded: true) else {
            Issue.record("it was welcomed")
            return
        }
        #expect(isConflict)
    }

    @Test func `a hello from another cluster is refused`() {
        guard case .refuse(let why, _) = known.hello(boot: "b9", clusterUID: "u2", isSuperseded: false) else {
            Issue.record("it was welcomed")
            return
        }
        #expect(why.contains("u1"))
    }

    /// Where the agent stands, when a hello was refused last, when the present boot speaks, and where it stands then.
    static let words: [(state: AgentState, refused: Int64?, heard: Int64, next: AgentState)] = [
        (.conflict, 100, 101, .conflict), (.conflict, 100, 220, .conflict), (.conflict, 100, 221, .connected),
        (.conflict, 300, 250, .conflict), (.conflict, nil, 900, .conflict), (.unknown, nil, 1, .connected),
        (.connected, nil, 1, .connected), (.lost, nil, 1, .connected), (.lost, 100, 900, .connected),
    ]

    @Test(arguments: words)
    func `a conflict is over when the present boot goes on and nobody was refused for two minutes`(
        state: AgentState,
        refused: Int64?,
        heard: Int64,
        next: AgentState
    ) {
        var agent = known
        agent.state = state
        agent.refusedAt = refused.map { $0 * 1_000_000 }
        agent.noteWord(at: heard * 1_000_000)
        #expect(agent.state == next)
        #expect(agent.refusedAt == (next == .conflict ? (refused ?? heard) * 1_000_000 : nil))
    }

    @Test(arguments: AgentState.allCases)
    func `a hello that is refused begins a conflict, or begins it anew, and a welcome ends it`(state: AgentState) {
        var agent = known
        agent.state = state
        agent.noteRefusal(at: 200)
        #expect(agent.state == .conflict && agent.refusedAt == 200)
        agent.noteRefusal(at: 300)
        agent.noteRefusal(at: 100)
        #expect(agent.state == .conflict && agent.refusedAt == 300, "an old one that is read late begins nothing")
        #expect(agent.hello(boot: "b4", clusterUID: "u1", isSuperseded: false) == .welcome(known, isNewBoot: false))
    }

    @Test(
        arguments: [
            (4, 91, AgentNumbering.current(missing: 0)), (4, 95, .current(missing: 4)), (4, 90, .repeated),
            (4, 1, .repeated),
            (3, 1000, .superseded), (5, 1, .ahead),
        ] as [(Int64, Int64, AgentNumbering)]
    )
    func `numbers decide what counts`(epoch: Int64, sequence: Int64, meaning: AgentNumbering) {
        #expect(known.number(epoch: epoch, sequence: sequence) == meaning)
    }
}

/// No cluster can speak for another, and nobody as the fleet.
@Suite struct MessageSignatureTests {
    let fleet: FleetKey

    init() throws {
        fleet = try FleetKey(base64: Data(repeating: 1, count: 32).base64EncodedString())
    }

    private func message(_ change: (inout OutgoingEvent, inout String) -> Void = { _, _ in }) -> KafkaMessageView {
        var event = OutgoingEvent(
            id: "1",
            type: "slipway.agent.heartbeat.v1",
            source: "/clusters/c1/agent",
            subject: "c1",
            time: 1_000_000,
            data: Array(#"{"boot":"b"}"#.utf8),
            extensions: [("epoch", "3"), ("sequence", "9")]
        ).signed(.fromAgent, topic: "agent.status", key: "c1", with: fleet.clusterKey("c1", keyID: 1), keyID: 1)
        var key = "c1"
        change(&event, &key)
        return KafkaMessageView(topic: "agent.status", key: key, headers: event.headers, value: event.data)
    }

    @Test func `a message signed by its cluster is its cluster's`() throws {
        #expect(try AgentSignatures(fleet).verify(message(), from: "c1") == 1)
    }

    @Test func `what is changed on the way is refused`() {
        let changes: [(String, (inout OutgoingEvent, inout String) -> Void)] = [
            ("value", { event, _ in event.data.append(32) }), ("id", { event, _ in event.id = "2" }),
            ("type", { event, _ in event.type = "slipway.agent.hello.v1" }), ("key", { _, key in key = "c2" }),
            ("epoch", { event, _ in event.extensions[0].1 = "4" }),
            ("sequence", { event, _ in event.extensions[1].1 = "10" }),
            ("signature", { event, _ in event.plainHeaders = [] }),
            ("subject", { event, _ in event.subject = nil }), ("time", { event, _ in event.time += 1_000_000 }),
        ]
        for (what, change) in changes {
            let signatures = AgentSignatures(fleet)
            let view = message(change)
            #expect(throws: Reason.self, "\(what)") { try signatures.verify(view, from: view.key ?? "") }
        }
    }

    @Test func `tracing headers may change`() throws {
        let view = message { event, _ in event.trace = TraceContext(parent: "00-1-1-01", state: "a=b") }
        #expect(try AgentSignatures(fleet).verify(view, from: "c1") == 1)
    }

    @Test func `each cluster and each number has a key of its own`() {
        let keys = [
            fleet.clusterKey("c1", keyID: 1), fleet.clusterKey("c1", keyID: 2), fleet.clusterKey("c2", keyID: 1),
            fleet.requestKey,
        ]
        #expect(Set(keys.map(\.base64)).count == 4)
    }

    @Test(arguments: ["", "short", "c2hvcnQ="])
    func `a fleet key that is none is refused without being shown`(text: String) {
        let error = #expect(throws: StartError.self) { try FleetKey(base64: text) }
        #expect(error?.description.contains("openssl rand -base64 32") == true)
    }
}
