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

    @Test func `a rule whose request was set aside waits for it no longer`() throws {
        let world = try ReleaseHandlerTests.World()
        #expect(try world.handle(ReleaseHandlerTests.harbor("2.0.0")) == [.applied])
        let sent = try #require(try world.commands.published("deployment.requests").first)
        let message = KafkaMessageView(
            topic: "deployment.requests",
            brokerTime: CommandWorld.milliseconds(),
            key: sent.key,
            headers: sent.headers.map { ($0.key, $0.value) },
            value: sent.value
        )
        let handler = CommandWorld.requests(world.commands.fleetKey)
        let entry = Entry(try handler.decode(message), message: message)
        try world.commands.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try handler.noteSetAside([entry], because: Self.failed, in: transaction)
        }
        let noted = try world.text("select last_command_state || ' ' || last_command_reason_code from auto_deploy_rule")
        #expect(noted == "rejected internal_error")
        #expect(try world.handle(ReleaseHandlerTests.harbor("1.9.5", id: "h2")) == [.applied])
        #expect(try world.requests() == 1)
    }
}
