import Foundation
import Logging
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What is written in a version that nobody here reads waits for a newer worker, and is refused by its name at last.
@Suite struct UnknownVersionTests {
    @Test func `a request waits, and is rejected with the version where nobody ever reads it`() throws {
        let world = try CommandWorld.ready()
        let message = world.message("slipway.instance.deploy.v2", key: "shop/staging", "{}")
        let reason = #expect(throws: Reason.self) { try world.handle([message]) }
        #expect(reason?.code == "unknown_version")
        #expect(reason?.field == "ce_type")
        let handler = CommandWorld.requests(world.fleetKey)
        let entry = Entry(try handler.decode(message), message: message)
        let outbox = OutboxBuffer()
        #expect(handler.setAside(entry, because: .deadLettered(try #require(reason)), outbox: outbox, now: 1))
        let answer = try #require(outbox.records.first?.value)
        #expect(String(decoding: answer, as: UTF8.self).contains(#""code":"unknown_version""#))
    }

    @Test func `a request whose sender is refused does not wait for its version`() throws {
        let world = try CommandWorld.ready()
        let forged = world.message(
            "slipway.instance.deploy.v2",
            key: "shop/staging",
            "{}",
            source: "/slipway/release-worker"
        )
        let outcomes = try world.handle([forged])
        guard case .rejected(let reason)? = outcomes.first else {
            Issue.record("it was not rejected: \(outcomes)")
            return
        }
        #expect(reason.code == "forged_source")
    }

    @Test(arguments: [
        ("instance.deploy", "shop/staging", "mallory"), ("environment.create", "shop/none", "mallory"),
        ("application.create", "shop", "mallory"), ("project.create", "none", "olga"), ("cluster.update", "c1", "olga"),
    ])
    func `of who may not ask there it is refused at once, and holds nobody up`(
        type: String,
        key: String,
        caller: String
    ) throws {
        let world = try CommandWorld.ready()
        func newer(_ caller: String, id: String) -> KafkaMessageView {
            world.message("slipway.\(type).v2", key: key, "{}", id: id, as: caller)
        }
        let deployment = CommandWorld.deployment("1.0.0")
        let outcomes = try world.handle([
            newer(caller, id: "newer"), world.message("instance.deploy", key: "shop/staging", deployment),
        ])
        guard case .rejected(let reason)? = outcomes.first else {
            Issue.record("it was not rejected: \(outcomes)")
            return
        }
        #expect(reason.code == "not_permitted")
        #expect(outcomes.last == .applied)
        #expect(try world.published("deployment.results").first?["reason.code"] == "not_permitted")
        #expect(try world.handle([newer(caller, id: "newer")]) == [.repeated])
        #expect(throws: Reason.self) { try world.handle([newer("root", id: "again")]) }
    }

    @Test func `a release waits`() throws {
        let world = try CommandWorld.ready()
        let handler = ReleaseHandler(fleetKey: world.fleetKey, logger: Logger(label: "test"))
        let message = Webhook.event("slipway.release.published.v2", "{}")
        let reason = #expect(throws: Reason.self) {
            try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
                _ = try CommandWorld.run(handler, [message], in: transaction)
            }
        }
        #expect(reason?.code == "unknown_version")
    }

    @Test func `an agent's message waits if it might count, and holds nobody up if it does not`() throws {
        let world = try CommandWorld.ready()
        func newer(_ type: String, epoch: Int64, sequence: Int64? = nil) -> KafkaMessageView {
            world.status(type, "{}", epoch: epoch, sequence: sequence, version: 2)
        }
        for message in [newer("hello", epoch: 0, sequence: 1), newer("heartbeat", epoch: 1)] {
            let reason = #expect(throws: Reason.self) { try world.follow([message]) }
            #expect(reason?.code == "unknown_version")
        }
        #expect(try world.follow([newer("heartbeat", epoch: 1, sequence: 1)]) == [.repeated])
        #expect(try world.follow([newer("heartbeat", epoch: 7, sequence: 1)]) == [.stale])
        let outcomes = try world.follow([newer("song", epoch: 1)])
        guard case .deadLettered(let reason)? = outcomes.first else {
            Issue.record("it was not dead-lettered: \(outcomes)")
            return
        }
        #expect(reason.code == "unknown_type")
    }
}
