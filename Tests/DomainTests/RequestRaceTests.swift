import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Two deployment workers that have requests about the same thing in hand at once.
///
/// Requests about one thing have one key and so one worker; these came under other keys, or through two topics.
@Suite struct RequestRaceTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    private func request(_ what: String, _ fields: String, as caller: String = "olga") -> KafkaMessageView {
        world.message(
            what,
            key: "shop/staging",
            #"{"project":"shop","environment":"staging"\#(fields.isEmpty ? "" : ",")\#(fields)}"#,
            as: caller
        )
    }

    /// Has one worker decide, and while its transaction is open another one; returns what the second decided.
    private func race(_ first: KafkaMessageView, _ second: KafkaMessageView) throws -> Outcome? {
        let rival = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let handler = CommandWorld.requests(world.fleetKey)
            #expect(try CommandWorld.run(handler, [first], in: transaction) == [.applied])
            let rival = CommandRaceTests.Rival.requests([second], world)
            try CommandRaceTests.waitForWaiter(world)
            return rival
        }
        return try rival.outcomes().first
    }

    private func code(_ outcome: Outcome?) -> String? {
        if case .rejected(let reason) = outcome { reason.code } else { nil }
    }

    @Test func `the same name created twice at once is there once, and the second is refused`() throws {
        let body = #""configMap":"settings","data":{"a":"b"}"#
        let second = try race(request("config-map.create", body), request("config-map.create", body))
        #expect(code(second) == "already_exists")
        #expect(try world.text("select count(*) from environment_object") == "1")
        let environment = #"{"project":"shop","environment":"dev","cluster":"c1"}"#
        let other = try race(
            world.message("environment.create", key: "shop/dev", environment),
            world.message("environment.create", key: "shop/dev", environment)
        )
        #expect(code(other) == "already_exists")
        #expect(try world.text("select count(*) from environment where environment = 'dev'") == "1")
    }

    @Test func `an instance that is deleted while it is being deployed is deleted, and the deployment superseded`()
        throws
    {
        try world.deploy()
        let second = try race(
            request("instance.deploy", #""application":"web","version":"1.1.0","instance":"web""#),
            request("instance.delete", #""instance":"web""#)
        )
        #expect(second == .applied)
        #expect(
            try world.text(
                """
                select string_agg(operation || ' ' || state, ', ' order by generation) from command
                where instance_id is not null
                """
            ) == "instance.deploy superseded, instance.deploy superseded, instance.delete sent"
        )
    }

    @Test func `what is asked for while an instance is being deleted is refused`() throws {
        try world.deploy()
        let second = try race(
            request("instance.delete", #""instance":"web""#),
            request("instance.deploy", #""application":"web","version":"1.1.0","instance":"web""#)
        )
        #expect(code(second) != nil, "\(String(describing: second))")
        #expect(
            try world.text(
                "select operation || ' ' || state from command order by created_at desc, generation desc limit 1"
            )
                == "instance.delete sent"
        )
    }

    @Test func `an environment that is disabled while something is deployed to it takes no more`() throws {
        let second = try race(
            request("environment.disable", ""),
            request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#)
        )
        #expect(code(second) == "environment_not_active", "\(String(describing: second))")
        #expect(try world.text("select count(*) from instance") == "0")
    }

    @Test func `a permission that is taken away between sending and handling does not count`() throws {
        try world.request("project.members", key: "shop", #"{"project":"shop","owners":["olga"],"members":["mia"]}"#)
        try world.ask("environment.assign", #""users":["mia"]"#)
        let sent = request("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#, as: "mia")
        let second = try race(request("environment.assign", #""users":[]"#), sent)
        #expect(code(second) == "not_permitted", "\(String(describing: second))")
        #expect(try world.text("select count(*) from instance") == "0")
    }
}
