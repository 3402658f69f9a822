import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Two keys of a cluster are valid while one is rotated, and no other number ever is.
@Suite struct KeyRotationTests {
    struct Judged: Sendable {
        let keys: ClusterKeys
        let number: Int32
        let code: String?
    }

    @Test(arguments: [
        Judged(keys: ClusterKeys(current: 1), number: 1, code: nil),
        Judged(keys: ClusterKeys(current: 1), number: 2, code: "unknown_key"),
        Judged(keys: ClusterKeys(current: 1), number: 0, code: "unknown_key"),
        Judged(keys: ClusterKeys(current: 1), number: -1, code: "unknown_key"),
        Judged(keys: ClusterKeys(current: 3, previous: 2), number: 3, code: nil),
        Judged(keys: ClusterKeys(current: 3, previous: 2), number: 2, code: nil),
        Judged(keys: ClusterKeys(current: 3, previous: 2), number: 1, code: "retired_key"),
        Judged(keys: ClusterKeys(current: 3, previous: 2), number: 4, code: "unknown_key"),
        Judged(keys: ClusterKeys(current: 3), number: 2, code: "retired_key"),
        Judged(keys: ClusterKeys(current: 3, previous: 2, previousUntil: 101), number: 2, code: nil),
        Judged(keys: ClusterKeys(current: 3, previous: 2, previousUntil: 100), number: 2, code: "retired_key"),
        Judged(keys: ClusterKeys(current: 3, previous: 2, previousUntil: 100), number: 3, code: nil),
    ])
    func `a number is valid, retired or unknown`(judged: Judged) {
        #expect(judged.keys.refusal(of: judged.number, cluster: "c1", now: 100)?.code == judged.code)
        #expect(judged.keys.accepts(judged.number, now: 100) == (judged.code == nil))
    }

    @Test(
        arguments: [
            (ClusterKeys(current: 1), 1), (ClusterKeys(current: 2, previous: 1), 2),
            (ClusterKeys(current: 2, previous: 1, agent: 1), 1), (ClusterKeys(current: 2, previous: 1, agent: 2), 2),
            (ClusterKeys(current: 2, agent: 1), 2),
            (ClusterKeys(current: 2, previous: 1, previousUntil: 100, agent: 1), 2),
        ] as [(ClusterKeys, Int32)]
    )
    func `an agent is written to with the key that it holds, as long as that is valid`(keys: ClusterKeys, number: Int32)
    {
        #expect(keys.signing(now: 100) == number)
    }

    @Test func `a rotation raises the number once, and a second one waits for its end`() throws {
        let first = try ClusterKeys(current: 1, agent: 1).rotated(until: nil, cluster: "c1", now: 100)
        #expect(first == ClusterKeys(current: 2, previous: 1, agent: 1))
        let open = #expect(throws: Reason.self) { try first.rotated(until: nil, cluster: "c1", now: 100) }
        #expect(open?.code == "rotation_open")
        let ended = ClusterKeys(current: 2, previous: 1, previousUntil: 100, agent: 2)
        #expect(
            try ended.rotated(until: 500, cluster: "c1", now: 100)
                == ClusterKeys(current: 3, previous: 2, previousUntil: 500, agent: 2)
        )
    }

    @Test(
        arguments: [
            (ClusterKeys(current: 2, previous: 1, agent: 2), false, nil),
            (ClusterKeys(current: 2, previous: 1), false, nil),
            (ClusterKeys(current: 2, previous: 1, agent: 1), false, "key_in_use"),
            (ClusterKeys(current: 2, previous: 1, agent: 1), true, nil),
            (ClusterKeys(current: 2, agent: 2), true, "nothing_to_retire"),
        ] as [(ClusterKeys, Bool, String?)]
    )
    func `retiring locks nobody out unless it is forced`(keys: ClusterKeys, isForced: Bool, code: String?) {
        do throws(Reason) {
            let left = try keys.retired(cluster: "c1", isForced: isForced)
            #expect(left == ClusterKeys(current: 2, agent: keys.agent))
            #expect(code == nil)
        } catch {
            #expect(error.code == code)
        }
    }

    private static let second = "0b000000-0000-4000-8000-000000000002"

    private func numbers(_ messages: [Published]) -> [String] {
        messages.map { String(($0.headers[MessageSignature.header] ?? "").split(separator: ":")[1]) }
    }

    private func beat(_ world: CommandWorld, key: Int32, boot: String = CommandWorld.boot, epoch: Int64) throws
        -> Outcome
    {
        let message = world.status("heartbeat", #"{"boot":"\#(boot)"}"#, epoch: epoch, keyID: key)
        return try world.follow([message]).first ?? .stale
    }

    private func code(_ outcome: Outcome) -> String? {
        if case .deadLettered(let reason) = outcome { reason.code } else { nil }
    }

    @Test func `a key is rotated with its line in the audit log, and not where that cannot be written`() throws {
        let world = try CommandWorld.ready()
        let entry = AuditEntry(decidedBy: "slipway", caller: "olga", operation: "keys.rotate", outcome: "done")
        try world.connection.script("alter table audit rename to elsewhere")
        #expect(throws: PostgresError.self) {
            try ClusterKeyRotation.rotate("c1", keep: nil, audit: entry, on: world.connection)
        }
        #expect(try ClusterKeyRotation.all(on: world.connection).map(\.keys.current) == [1])
        try world.connection.script("alter table elsewhere rename to audit")
        let keys = try ClusterKeyRotation.rotate("c1", keep: nil, audit: entry, on: world.connection)
        #expect(keys.current == 2)
        let lines = "select count(*) from audit where operation = 'keys.rotate'"
        #expect(try world.connection.query(lines).only().int64(0) == 1)
    }

    @Test func `while a key is rotated both are taken, and the agent is written to with its own`() throws {
        let world = try CommandWorld.ready()
        #expect(code(try beat(world, key: 2, epoch: 1)) == "unknown_key")
        let keys = try ClusterKeyRotation.rotate("c1", keep: nil, on: world.connection)
        #expect(keys == ClusterKeys(current: 2, previous: 1, agent: 1))
        #expect(try beat(world, key: 1, epoch: 1) == .applied)
        try world.deploy()
        #expect(numbers(try world.published("agent.commands.c1")) == ["1"], "the agent has no other key yet")
        #expect(throws: Reason.self) { try ClusterKeyRotation.retire("c1", isForced: false, on: world.connection) }

        try world.connect("c1", boot: Self.second, keyID: 2)
        let answered = numbers(try world.published("agent.commands.c1"))
        #expect(answered == ["1", "2", "2"], "the former boot's stop with its own key, the welcome, the open command")
        try world.deploy("1.1.0")
        #expect(Set(numbers(try world.published("agent.commands.c1"))) == ["2"])
        #expect(try beat(world, key: 1, boot: Self.second, epoch: 2) == .applied, "what was on its way still counts")

        let left = try ClusterKeyRotation.retire("c1", isForced: false, on: world.connection)
        #expect(left == ClusterKeys(current: 2, agent: 2))
        #expect(code(try beat(world, key: 1, boot: Self.second, epoch: 2)) == "retired_key")
        #expect(try beat(world, key: 2, boot: Self.second, epoch: 2) == .applied)
        #expect(try ClusterKeyRotation.all(on: world.connection).map(\.keys) == [left])
    }

    @Test func `a key that is kept for a time ends by itself`() throws {
        let world = try CommandWorld.ready()
        _ = try ClusterKeyRotation.rotate("c1", keep: .seconds(3600), on: world.connection)
        #expect(try beat(world, key: 1, epoch: 1) == .applied)
        try world.connection.script("update cluster set previous_key_until = now()")
        #expect(code(try beat(world, key: 1, epoch: 1)) == "retired_key")
        try world.deploy()
        #expect(numbers(try world.published("agent.commands.c1")) == ["2"], "an ended key signs nothing")
    }

    @Test func `an agent that is refused can read the answer whichever valid key it has`() throws {
        let world = try CommandWorld.ready()
        _ = try ClusterKeyRotation.rotate("c1", keep: nil, on: world.connection)
        _ = try world.published()
        try world.connect("c1", boot: Self.second, uid: "another cluster", keyID: 2)
        #expect(numbers(try world.published("agent.commands.c1")) == ["2"])
        #expect(try ClusterKeyRotation.all(on: world.connection).map(\.keys.agent) == [1])
    }

    @Test func `objects are taken with either key while one is rotated`() throws {
        let world = try ResourceWorld()
        func pod(_ number: Int64, key: Int32) -> KafkaMessageView {
            KafkaMessageView(
                topic: "resource.changes",
                key: "c1/shop",
                headers: [
                    ("ce_type", "slipway.resource.changed.v1"), ("ce_epoch", "1"), ("ce_sequence", "\(number)"),
                    ("key-number", "\(key)"),
                ],
                value: Array(AgentMessage.pod("pod-\(number)").utf8)
            )
        }
        _ = try ClusterKeyRotation.rotate("c1", keep: nil, on: world.connection)
        let both = try world.handle([pod(1, key: 1), pod(2, key: 2), pod(3, key: 3)])
        #expect(both.outcomes.map(code) == [nil, nil, "unknown_key"])
        _ = try ClusterKeyRotation.retire("c1", isForced: false, on: world.connection)
        let one = try world.handle([pod(4, key: 1), pod(5, key: 2)])
        #expect(one.outcomes.map(code) == ["retired_key", nil])
        #expect(try world.objects().count == 3)
    }

    @Test func `a cluster that nobody registered has no keys`() throws {
        let world = try CommandWorld()
        let error = #expect(throws: Reason.self) {
            try ClusterKeyRotation.rotate("nowhere", keep: nil, on: world.connection)
        }
        #expect(error?.code == "unknown_cluster")
    }
}
