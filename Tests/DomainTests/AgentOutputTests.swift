import CloudEvents
import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What agents tell for people to read.
@Suite struct AgentOutputTests {
    private let world: CommandWorld
    private let handler: AgentOutputHandler
    private let command: String

    init() throws {
        world = try CommandWorld.ready()
        handler = AgentOutputHandler(fleetKey: world.fleetKey)
        try world.deploy()
        command = try world.lastCommand().uuidString.lowercased()
    }

    private func message(
        _ type: String,
        _ body: String,
        cluster: String = "c1",
        signer: String? = nil,
        key: String? = nil,
        epoch: Int64 = 1,
        sequence: Int64? = 1
    ) -> KafkaMessageView {
        let key = key ?? "\(cluster)/shop-staging/web"
        let event = OutgoingEvent(
            id: UUID().uuidString,
            type: "slipway.agent.\(type).v1",
            source: "/clusters/\(cluster)/agent",
            subject: nil,
            time: 1_000_000,
            data: Array(body.utf8),
            extensions: [("epoch", String(epoch))] + (sequence.map { [("sequence", String($0))] } ?? [])
        ).signed(
            .fromAgent,
            topic: "agent.output",
            key: key,
            with: world.fleetKey.clusterKey(signer ?? cluster, keyID: 1),
            keyID: 1
        )
        return KafkaMessageView(
            topic: "agent.output",
            brokerTime: 1,
            key: key,
            headers: event.headers,
            value: event.data
        )
    }

    private func output(_ text: String, stage: String = "migrate", command: String? = nil) -> String {
        #"{"command":"\#(command ?? self.command)","generation":1,"stage":"\#(stage)","output":"\#(text)","truncated":false}"#
    }

    private func event(_ uid: String, count: Int = 1, at second: Int = 0, message: String = "back-off") -> String {
        let time = String(format: "2026-11-25T10:%02d:%02dZ", second / 60, second % 60)
        return #"{"namespace":"shop-staging","kind":"Pod","name":"web-1","instance":"web","type":"Warning","#
            + #""reason":"BackOff","message":"\#(message)","count":\#(count),"firstTime":"2026-11-25T10:00:00Z","#
            + #""lastTime":"\#(time)","uid":"\#(uid)"}"#
    }

    @discardableResult
    private func follow(_ messages: [KafkaMessageView]) throws -> [Outcome] {
        try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try CommandWorld.run(handler, messages, in: transaction)
        }
    }

    private func code(_ outcome: Outcome?) -> String? {
        if case .deadLettered(let reason) = outcome { reason.code } else { nil }
    }

    @Test func `what a stage wrote is kept, the newest word of it, also before the stage itself is told`() throws {
        #expect(try follow([message("stage_output", output("one"))]) == [.applied])
        let twoWords = [
            message("stage_output", output("two"), sequence: 2), message("stage_output", output("three"), sequence: 3),
        ]
        #expect(try follow(twoWords) == [.stale, .applied])
        try world.report(
            "progressed",
            of: try world.lastCommand(),
            #""stage":{"name":"migrate","kind":"pre-install","weight":0,"state":"succeeded","startedAt":"2026-11-25T10:00:00Z","endedAt":"2026-11-25T10:00:05Z"}"#
        )
        #expect(try world.text("select name || ' ' || output || ' ' || state from stage") == "migrate three succeeded")
    }

    @Test func `an older word that comes late changes nothing, in its batch and after it`() throws {
        try follow([message("stage_output", output("new"), sequence: 7)])
        #expect(try follow([message("stage_output", output("old"), sequence: 6)]) == [.stale])
        #expect(try follow([message("stage_output", output("new"), sequence: 7)]) == [.stale], "sent again")
        try world.connect("c1", boot: "0b000000-0000-4000-8000-000000000009", uid: "uid-1")
        let epoch = (try world.text("select epoch from cluster where cluster = 'c1'")).flatMap { Int64($0) } ?? 0
        #expect(epoch > 1)
        let mixed = [
            message("stage_output", output("newest"), epoch: epoch, sequence: 1),
            message("stage_output", output("older"), epoch: 1, sequence: 8),
        ]
        #expect(try follow(mixed) == [.applied, .stale], "the boot counts before the number")
        #expect(try world.text("select output from stage") == "newest")
        let other = message("stage_output", output("told before the restart", stage: "seed"), epoch: 1, sequence: 9)
        #expect(try follow([other]) == [.applied], "the new boot does not say it again")
    }

    @Test func `what is longer than agents send is cut and says so`() throws {
        try follow([message("stage_output", output(String(repeating: "x", count: StageOutput.mostBytes + 5)))])
        #expect(
            try world.text("select length(output) || ' ' || truncated from stage") == "\(StageOutput.mostBytes) true"
        )
    }

    @Test func `a key that was withdrawn signs nothing more`() throws {
        try world.connection.script("update cluster set key_id = 2, previous_key_id = null, previous_key_until = null")
        #expect(code(try follow([message("stage_output", output("x"))]).first) == "retired_key")
        #expect(try world.text("select count(*) from stage") == "0")
    }

    @Test func `what is old is forgotten, the stage stays`() throws {
        try follow([
            message("stage_output", output("old")), message("stage_output", output("young", stage: "seed")),
            message("event", event("u1")), message("event", event("u2")),
        ])
        try world.connection.script(
            """
            update stage set output_at = now() - interval '8 days' where name = 'migrate';
            update cluster_event set last_time = case uid when 'u1' then now() - interval '8 days' else now() end
            """
        )
        #expect(try OutputRetention(eventDays: 9, outputDays: 9).round(on: world.connection) == 0)
        #expect(try OutputRetention(eventDays: 7, outputDays: 7).round(on: world.connection) == 2)
        #expect(try world.text("select string_agg(uid, ' ') from cluster_event") == "u2")
        #expect(
            try world.text("select string_agg(name || ' ' || coalesce(output, '-'), ', ' order by name) from stage")
                == "migrate -, seed young"
        )
    }

    @Test func `an agent tells nothing of another cluster's commands`() throws {
        try world.register("c2")
        try world.connect("c2", boot: "0b000000-0000-4000-8000-000000000002", uid: "uid-2")
        let outcomes = try follow([message("stage_output", output("x"), cluster: "c2", key: "c2/shop-staging/web")])
        #expect(code(outcomes.first) == "unknown_command")
        #expect(code(try follow([message("stage_output", output("x", command: "no-id"))]).first) == "unknown_command")
        #expect(code(try follow([message("stage_output", output("x"), signer: "c2")]).first) == "bad_signature")
        #expect(code(try follow([message("stage_output", output("x"), key: "c1")]).first) == "invalid_key")
        #expect(code(try follow([message("hello", "{}")]).first) == "unknown_type")
        #expect(code(try follow([message("event", event("u"), epoch: -1)]).first) == "invalid_attribute")
        #expect(code(try follow([message("event", event("u"), sequence: nil)]).first) == "invalid_attribute")
        #expect(code(try follow([message("event", event("u"), sequence: 0)]).first) == "invalid_attribute")
        #expect(code(try follow([message("event", event("u"), key: "c1/other/web")]).first) == "key_mismatch")
        #expect(try follow([message("event", event("u"), epoch: 9)]) == [.stale], "of another database")
        #expect(try world.text("select count(*) from stage") == "0")
    }

    @Test func `an event is told again with a higher count, and an older word changes nothing`() throws {
        try follow([message("event", event("u", count: 3, at: 30)), message("event", event("u", count: 2, at: 20))])
        try follow([message("event", event("u", count: 1, at: 10, message: "older"))])
        #expect(
            try world.text("select count || ' ' || message || ' ' || instance from cluster_event") == "3 back-off web"
        )
    }

    @Test func `only the newest events of an instance are kept`() throws {
        let kept = Int(OutputStore.eventsKept)
        try follow((0..<kept + 20).map { message("event", event("u\($0)", at: $0)) })
        #expect(try world.text("select count(*) from cluster_event") == "\(kept)")
        #expect(try world.text("select min(last_time) = '2026-11-25T10:00:20Z' from cluster_event") == "true")
    }

    @Test func `of events that happened at the same time as many are kept as of others`() throws {
        let kept = Int(OutputStore.eventsKept)
        try follow((0..<kept + 1).map { message("event", event("u\($0)", at: 5)) })
        #expect(try world.text("select count(*) from cluster_event") == "\(kept)")
    }
}
