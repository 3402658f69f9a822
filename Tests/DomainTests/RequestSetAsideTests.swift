import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A request that is not decided is answered with the reason that its sender can act on.
@Suite struct RequestSetAsideTests {
    struct Case: Sendable {
        let why: SetAside
        let body: String
        let code: String
        /// What the sentence names.
        let names: String
        let isKept: Bool
    }

    private static let failed = SetAside.deadLettered(Reason(code: "database_refused", sentence: "A secret detail."))

    @Test(arguments: [
        Case(why: .queueFull, body: #"{"project":"shop"}"#, code: "queue_full", names: "'shop'", isKept: true),
        Case(
            why: failed,
            body: #"{"project":"shop"}"#,
            code: "internal_error",
            names: "'deployment.requests.dlt' as the message of partition 0 and offset 1;",
            isKept: false
        ),
        Case(why: .queueFull, body: #"{"project":"Shop!"}"#, code: "key_mismatch", names: "'Shop!'", isKept: true),
    ])
    func `the answer says why`(found: Case) throws {
        let world = try CommandWorld()
        let handler = CommandWorld.requests(world.fleetKey)
        let message = world.message("project.create", key: "shop", found.body, id: "7f0c")
        let entry = Entry(try handler.decode(message), message: message)
        let outbox = OutboxBuffer()
        #expect(handler.setAside(entry, because: found.why, outbox: outbox, now: 1_000_000))
        #expect((entry.answer != nil) == found.isKept)
        try world.connection.transaction { transaction in
            try OutboxWriter.write(outbox, in: transaction)
            try handler.noteSetAside([entry], because: found.why, in: transaction)
        }
        #expect(
            try world.text("select concat_ws(' ', caller, operation, outcome, reason_code) from audit")
                == "olga project.create \(found.why == .queueFull ? "rejected" : "dead_lettered") \(found.code)"
        )
        let results = try world.published("deployment.results")
        #expect(results.map(\.name) == ["rejected"])
        #expect(results.first?.key == "shop")
        #expect(results.first?["request.id"] == "7f0c")
        #expect(results.first?["reason.code"] == found.code)
        #expect(results.first?["reason.message"]?.contains(found.names) == true)
        #expect(results.first?["reason.message"]?.contains("secret") == false)
    }

    @Test(arguments: [("olga", true), ("later", true), ("", false)])
    func `who proves nothing waits behind nobody, and who cannot be told yet does`(caller: String, waits: Bool) throws {
        let world = try CommandWorld()
        let handler = CommandWorld.requests(world.fleetKey)
        let message = world.message("project.create", key: "shop", #"{"project":"shop"}"#, as: caller)
        #expect(handler.waitsBehindOthers(try handler.decode(message)) == waits)
    }

    /// What the rule has asked for, as it comes from the broker at that time.
    private static func request(
        of world: ReleaseHandlerTests.World,
        at milliseconds: Int64 = CommandWorld.milliseconds()
    ) throws -> KafkaMessageView {
        let sent = try #require(try world.commands.published("deployment.requests").first)
        return KafkaMessageView(
            topic: "deployment.requests",
            brokerTime: milliseconds,
            key: sent.key,
            headers: sent.headers.map { ($0.key, $0.value) },
            value: sent.value
        )
    }

    private static let noted =
        "select concat_ws(' ', last_command_state, last_command_reason_code) from auto_deploy_rule"

    @Test func `a rule whose request is too old, or comes under another one's id, waits for it no longer`() throws {
        for isOld in [true, false] {
            let world = try ReleaseHandlerTests.World()
            #expect(try world.handle(ReleaseHandlerTests.harbor("2.0.0")) == [.applied])
            let days: Int64 = isOld ? 20 : 0
            let message = try Self.request(of: world, at: CommandWorld.milliseconds() - days * 86_400_000)
            let handler = CommandWorld.requests(world.commands.fleetKey)
            let key = try #require(handler.inboxKey(of: try handler.decode(message)))
            if !isOld {
                try world.commands.connection.query(
                    "insert into inbox (id, digest, seen_at) values ($1, ''::bytea, now())",
                    [.uuid(key.requestID)]
                )
            }
            guard case .rejected(let reason) = try world.commands.handle([message]).first else {
                Issue.record("it was taken")
                return
            }
            #expect(reason.code == (isOld ? "too_old" : "id_reused"))
            #expect(try world.text(Self.noted) == "rejected \(reason.code)")
            #expect(try world.handle(ReleaseHandlerTests.harbor("1.9.5", id: "h2")) == [.applied])
            #expect(try world.requests() == 1, "it takes part again")
        }
    }

    @Test func `a repeat that comes too late says nothing of what the rule's request became`() throws {
        let world = try ReleaseHandlerTests.World()
        #expect(try world.handle(ReleaseHandlerTests.harbor("2.0.0")) == [.applied])
        let message = try Self.request(of: world)
        #expect(try world.commands.handle([message]) == [.applied])
        let handler = CommandWorld.requests(world.commands.fleetKey)
        let entry = Entry(try handler.decode(message), message: message)
        try world.commands.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try handler.noteSetAside([entry], because: Self.failed, in: transaction)
        }
        #expect(try world.text(Self.noted) == "requested")
    }

    @Test func `a rule whose request was set aside waits for it no longer`() throws {
        let world = try ReleaseHandlerTests.World()
        #expect(try world.handle(ReleaseHandlerTests.harbor("2.0.0")) == [.applied])
        let message = try Self.request(of: world)
        let handler = CommandWorld.requests(world.commands.fleetKey)
        let entry = Entry(try handler.decode(message), message: message)
        try world.commands.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try handler.noteSetAside([entry], because: Self.failed, in: transaction)
        }
        #expect(try world.text(Self.noted) == "rejected internal_error")
        #expect(try world.handle(ReleaseHandlerTests.harbor("1.9.5", id: "h2")) == [.applied])
        #expect(try world.requests() == 1)
    }
}
