import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Requests that a fleet consumes once more after its database was put back.
@Suite struct ConsumedAgainTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    @Test func `objects that were told before their instance was there are added up when its command ends`() throws {
        try world.connection.script(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence, health,
                ready, object, changed_at)
            select cluster, namespace, kind, 'web', 'v1', kind, 'web', 1, 1, 'healthy', kind = 'Pod', '{}', now()
            from environment, unnest('{Deployment,Pod}'::text[]) kind
            """
        )
        _ = try world.request("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.0.0"))
        let health = "select concat_ws(' ', health, pods_ready, pods_total, objects) from instance"
        #expect(try #require(try world.text(health)).hasSuffix(" 0 0 0"))
        try world.report("applied", of: try world.lastCommand(), #""objects":[]"#)
        try world.connection.script(
            "update command set healthy_since = now() - interval '1 hour' where state = 'applied'"
        )
        try world.passTime()
        #expect(try world.states("web").last?.hasPrefix("succeeded") == true)
        #expect(try world.text(health) == "healthy 1 1 2")
        #expect(try Verification.differences(on: world.connection).isEmpty)
        let told = try world.published().last { $0.topic == "instance.status" }
        #expect(told?["health"] == "healthy")
    }

    private func recover() throws {
        try world.connection.script("update installation set timeline = timeline + 1")
        _ = try Recovery(fleetKey: world.fleetKey).run(on: world.connection, by: "somebody")
        _ = try world.published()
    }

    /// Handles a request for a version that is not there, as a lane does that has just begun.
    ///
    /// - Parameter age: How many seconds ago the broker took it.
    private func ask(
        _ body: String = CommandWorld.deployment("9.0.0"),
        age: Int64 = 60,
        isLastTry: Bool = false
    ) throws -> Outcome? {
        let time = CommandWorld.milliseconds() - age * 1000
        let fresh = world.message("instance.deploy", key: "shop/staging", body, brokerTime: time)
        let message = KafkaMessageView(
            fresh.message,
            topic: fresh.topic,
            isParked: isLastTry,
            isLastTry: isLastTry
        )
        let handler = CommandWorld.requests(world.fleetKey)
        return try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try CommandWorld.run(handler, [message], in: transaction).first
        }
    }

    private func code(_ outcome: Outcome?) -> String? {
        if case .rejected(let reason) = outcome { reason.code } else { nil }
    }

    @Test func `one from before the recovery waits for what it builds on, and is rejected at its last try`() throws {
        #expect(code(try ask()) == "unknown_version", "nothing was recovered")
        try recover()
        let waits = #expect(throws: Reason.self) { try ask() }
        #expect(waits?.code == "unknown_version")
        #expect(try world.published().isEmpty, "nobody is told of it yet")
        #expect(code(try ask(isLastTry: true)) == "unknown_version")
        #expect(try world.published("deployment.results").map(\.name) == ["rejected"])
        try world.publishVersion("9.0.0")
        #expect(try ask() == .applied)
    }

    @Test func `one that is new, or that nothing can help, is rejected at once`() throws {
        try recover()
        #expect(code(try ask(age: -60)) == "unknown_version")
        let dryRun = CommandWorld.deployment("9.0.0", #""dryRun":true"#)
        #expect(code(try ask(dryRun)) == "unknown_version")
        #expect(code(try ask(#"{"project":"shop"}"#)) != nil)
        #expect(try ask(CommandWorld.deployment("1.0.0")) == .applied)
        #expect(code(try ask(CommandWorld.deployment("1.0.0"))) == "no_change")
    }

    @Test func `a rule whose request is consumed again before its event waits for the end of its command`() throws {
        let rules = try ReleaseHandlerTests.World()
        let event = ReleaseHandlerTests.harbor("2.0.0")
        #expect(try rules.handle(event) == [.applied])
        let sent = try #require(try rules.commands.published("deployment.requests").first)
        let request = KafkaMessageView(
            topic: "deployment.requests",
            brokerTime: CommandWorld.milliseconds(),
            key: sent.key,
            headers: sent.headers.map { ($0.key, $0.value) },
            value: sent.value
        )
        #expect(try rules.commands.handle([request]) == [.applied])
        // As the database is that was put back, and has read the request again, and not the event yet.
        let before = """
            delete from inbox;
            delete from version;
            update auto_deploy_rule set fired_version = null, last_command = null, last_command_state = null,
                last_command_reason_code = null, last_command_reason = null
            """
        let noted = "select concat_ws(' ', last_command_state, last_command_reason_code) from auto_deploy_rule"
        try rules.commands.connection.script(before)
        #expect(try rules.handle(event) == [.applied])
        #expect(try rules.text(noted) == "requested")
        let differences = try Verification.differences(on: rules.commands.connection)
        #expect(!differences.contains { $0.rule.contains("a rule's newest firing") }, "\(differences)")
        let failure = #""code":"forbidden","message":"No.""#
        try rules.commands.report("failed", of: try rules.commands.lastCommand(), failure)
        #expect(try rules.text(noted) == "failed forbidden")
        try rules.commands.connection.script(before)
        #expect(try rules.handle(event) == [.applied])
        #expect(try rules.text(noted) == "failed forbidden", "it had ended when the event was read")
    }

    @Test func `what the cluster has gone on from is what the next request changes, and what may be gone back to`()
        throws
    {
        try world.deploy("1.0.0")
        try world.succeed(try world.lastCommand())
        for version in ["2.1.0", "2.2.0"] { try world.publishVersion(version) }
        try recover()
        try world.connect("c1")
        let further = #""code":"superseded_generation","message":"The cluster is further.""#
        for version in ["2.1.0", "2.2.0"] {
            try world.deploy(version)
            try world.report("failed", of: try world.lastCommand(), further, epoch: Recovery.jump + 1)
            let standing = "select concat_ws(' ', state, desired_version, running_version, reason_code) from instance"
            #expect(try world.text(standing) == "running \(version) \(version)")
        }
        #expect(try world.refusal("instance.deploy", Self.same("2.2.0")) == "no_change")
        let wanted = "select desired ->> 'version' from command order by generation desc limit 1"
        let restart = try world.order("restart")
        #expect(try world.text(wanted) == "2.2.0")
        #expect(try world.refusal("instance.deploy", Self.same("2.2.0")) == "no_change")
        try world.report("failed", of: restart, further, epoch: Recovery.jump + 1)
        _ = try world.order("rollback")
        #expect(try world.text(wanted) == "2.1.0")
        #expect(try Verification.differences(on: world.connection).isEmpty)
    }

    private static func same(_ version: String) -> String {
        #""application":"web","instance":"web","version":"\#(version)""#
    }

    @Test func `what had ended before the recovery and is done behind it has made, or removed, its object`() throws {
        let failure = #""code":"forbidden","message":"No.""#
        try world.make("config-map.create", #""configMap":"settings","data":{"a":"b"}"#)
        try world.ask("config-map.delete", #""configMap":"settings""#)
        let removal = try world.lastCommand()
        try world.report("failed", of: removal, failure)
        try world.ask("config-map.create", #""configMap":"other","data":{"a":"b"}"#)
        let creation = try world.lastCommand()
        try world.report("failed", of: creation, failure)
        try recover()
        try world.connect("c1")
        for command in [removal, creation] {
            try world.report("applied", of: command, #""objects":[]"#, epoch: Recovery.jump + 1)
        }
        let states = "select string_agg(name || ' ' || state, ', ' order by name) from environment_object"
        #expect(try world.text(states) == "other running, settings deleted")
    }

    @Test func `the recovery is in the audit log`() throws {
        try recover()
        let line = try world.text(
            "select caller || ' ' || subject_name || ' ' || outcome from audit where operation = 'recover'"
        )
        #expect(line == "somebody restored database done")
    }

    @Test func `open commands have their time anew`() throws {
        try world.deploy()
        let shift = "interval '2 hours'"
        try world.connection.script(
            """
            update command set created_at = created_at - \(shift), changed_at = changed_at - \(shift),
                -- The step's time is nearly over since something was noted last.
                step_deadline = changed_at - \(shift) + interval '1 second', deadline = deadline - \(shift) where state = 'sent'
            """
        )
        try recover()
        let left = "extract(epoch from step_deadline - now())::int || ' ' || extract(epoch from deadline - now())::int"
        let text = try #require(try world.text("select \(left) from command where state = 'sent'"))
        let seconds = text.split(separator: " ")
        #expect(zip(seconds, [60, 1800]).allSatisfy { abs((Int($0) ?? 0) - $1) < 30 }, "\(seconds)")
    }

    @Test func `a pod that a command has made under its former number shows that the command fails`() throws {
        try world.deploy()
        let command = try world.lastCommand()
        let deployment =
            #"{"apiVersion":"apps/v1","kind":"Deployment","namespace":"shop-staging","name":"web","#
            + #""uid":"u1","generation":1}"#
        try world.report("applied", of: command, #""objects":[\#(deployment)]"#)
        let pod = #"{"metadata":{"labels":{"slipway.io/command":"\#(command.uuidString.lowercased())"}}}"#
        try world.connection.query(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence, health,
                failing_code, command_generation, object, changed_at)
            select 'c1', namespace, 'Pod', 'web-1', 'v1', 'u', 'web', 1, 1, 'degraded',
                'crash_loop', 99, $1::json, now()
            from instance
            """,
            [.text(pod)]
        )
        try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let id = try transaction.query("select id from instance").only().int64(0)
            try WindowRefresh.run(instances: [id], now: CommandWorld.milliseconds() * 1000, in: transaction)
        }
        #expect(try world.text("select failing_code from command where id = '\(command)'") == "crash_loop")
    }
}
