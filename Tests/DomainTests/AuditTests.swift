import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Who decided what, when, on whose behalf, and how it ended.
@Suite struct AuditTests {
    private func lines(_ world: CommandWorld, _ condition: String = "true") throws -> [String] {
        try world.connection.query(
            """
            select concat_ws(' ', decided_by, coalesce(caller, 'nobody'), 'for ' || on_behalf_of, operation,
                project || coalesce('/' || environment, ''), subject_kind, subject_name, outcome, reason_code)
            from audit where \(condition) order by at, id
            """
        ).map { try $0.string(0) }
    }

    @Test func `accepted, refused and planned requests leave a line each, and repeats none`() throws {
        let world = try CommandWorld.ready()
        try world.connection.script("delete from audit")
        try world.deploy("1.0.0", id: "first")
        try world.deploy("1.0.0", id: "first")
        try world.deploy("9.9.9")
        try world.deploy("1.0.0", #""dryRun":true"#, instance: "other")
        #expect(
            try lines(world) == [
                "deployment-worker olga instance.deploy shop/staging instance web accepted",
                "deployment-worker olga instance.deploy shop/staging instance web rejected unknown_version",
                "deployment-worker olga instance.deploy shop/staging instance other planned",
            ]
        )
        let ids = try world.connection.query(
            "select request_source, request_id, command = (select id from command order by created_at desc limit 1) from audit where outcome = 'accepted'"
        ).only()
        #expect(try (ids.string(0), ids.string(1), ids.bool(2)) == ("/portal", "first", true))
    }

    @Test func `a request without identity or permission leaves a line`() throws {
        let world = try CommandWorld.ready()
        try world.connection.script("delete from audit")
        try world.request("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.0.0"), as: "")
        try world.request("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.0.0"), as: "mallory")
        #expect(
            try lines(world) == [
                "deployment-worker nobody instance.deploy shop/staging instance web rejected no_identity",
                "deployment-worker mallory instance.deploy shop/staging instance web rejected not_permitted",
            ]
        )
    }

    @Test func `a key of one character with thousands of marks is refused with an answer and a line`() throws {
        let world = try CommandWorld.ready()
        // More than an index of the database takes, however well it is packed.
        var random: UInt32 = 7
        let marks = (0..<9_000).compactMap { _ -> Unicode.Scalar? in
            random = random &* 1_664_525 &+ 1_013_904_223
            return Unicode.Scalar(0x300 + (random >> 16) % 112)
        }
        let key = marks.reduce(into: "a") { $0.unicodeScalars.append($1) }
        let outcome = try world.request("instance.deploy", key: key, CommandWorld.deployment("1.0.0"), as: "mallory")
        guard case .rejected(let reason) = outcome else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "key_mismatch")
        let line = "select caller || ' ' || reason_code from audit where octet_length(project) > 900"
        #expect(try world.text(line) == "mallory key_mismatch")
        #expect(try world.published("deployment.results").map(\.name) == ["rejected"])
    }

    @Test func `the end of a command leaves a line that names who ended it and who had asked`() throws {
        let world = try CommandWorld.ready()
        try world.connection.script("delete from audit")
        try world.deploy()
        try world.report("failed", of: try world.lastCommand(), #""code":"helm_failed","message":"No.""#)
        #expect(
            try lines(world, "outcome <> 'accepted'") == [
                "agent-worker olga instance.deploy shop/staging instance web failed helm_failed"
            ]
        )
        try world.deploy("1.1.0")
        try world.connection.script("update command set deadline = now() - interval '1 hour' where state = 'sent'")
        try world.passTime()
        #expect(try lines(world, "outcome = 'timed_out'").first?.hasPrefix("timekeeper olga instance.deploy") == true)
    }

    @Test func `what is done at once was accepted before it ended`() throws {
        let world = try CommandWorld.ready()
        try world.connection.script("delete from audit")
        try world.request("project.create", key: "other", #"{"project":"other"}"#, as: "root")
        #expect(try lines(world).map { $0.split(separator: " ").last } == ["accepted", "succeeded"])
    }

    @Test func `a cluster is no project, neither in the log nor in a result`() throws {
        let world = try CommandWorld()
        try world.register("c9")
        try world.request("cluster.update", key: "c9", "{}", as: "root")
        try world.request("cluster.update", key: "c9", #"{"cluster":"c9","name":"nine"}"#, as: "olga")
        #expect(
            try lines(world) == [
                "deployment-worker root cluster.register cluster c9 accepted",
                "deployment-worker root cluster.register cluster c9 succeeded",
                "deployment-worker root cluster.update cluster  rejected missing_field",
                "deployment-worker olga cluster.update cluster c9 rejected not_permitted",
            ]
        )
        let results = try world.published("deployment.results")
        #expect(results.first?.name == "accepted")
        #expect(results.map(\.name).suffix(3) == ["succeeded", "rejected", "rejected"])
        #expect(results.allSatisfy { $0["project"] == nil && $0["environment"] == nil })
    }

    @Test func `a batch's lines are written in the order of its requests`() throws {
        let world = try CommandWorld.ready()
        try world.connection.script("delete from audit")
        try world.handle(
            (1...5).map { number in
                world.message(
                    "instance.deploy",
                    key: "shop/staging",
                    CommandWorld.deployment("1.0.0", instance: "web-\(number)")
                )
            }
        )
        #expect(try lines(world).map { $0.split(separator: " ").dropLast().last } == (1...5).map { "web-\($0)" })
    }

    @Test func `no value of a request is in the log`() throws {
        let world = try CommandWorld.ready()
        try world.deploy("1.0.0", #""values":"password: hunter2""#)
        try world.request(
            "secret.create",
            key: "shop/staging",
            #"{"project":"shop","environment":"staging","secret":"db","data":{"password":"hunter2"}}"#
        )
        #expect(try lines(world).count > 2)
        let found = try world.connection.query("select 1 from audit where audit::text like '%hunter2%'")
        #expect(found.isEmpty)
    }

    @Test func `months have partitions ahead, and those that are old are dropped whole`() throws {
        let world = try CommandWorld()
        let connection = world.connection
        func partitions() throws -> [String] {
            try connection.query(
                "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit'::regclass order by 1"
            ).map { try $0.string(0) }
        }
        #expect(try partitions().count == 5)
        try connection.script(
            """
            create table audit_2020_01 (like audit including defaults including constraints);
            alter table audit attach partition audit_2020_01 for values from ('2020-01-01Z') to ('2020-02-01Z');
            insert into audit (at, decided_by, operation, outcome) values ('2020-01-15Z', 'x', 'old', 'done'),
                (now(), 'x', 'new', 'done')
            """
        )
        #expect(try PartitionRetention("audit", days: 400).round(on: connection) == 1)
        #expect(try !partitions().contains("audit_2020_01"))
        #expect(try lines(world) == ["x nobody new done"])
        #expect(try PartitionRetention("audit", days: 400).round(on: connection) == 0)
    }

    @Test func `a line whose month had no partition is kept and moves into it`() throws {
        let connection = try CommandWorld().connection
        let month = try connection.query("select to_char(now() at time zone 'UTC', 'YYYY_MM')").only().string(0)
        try connection.script(
            """
            drop table audit_\(month);
            insert into audit (decided_by, operation, outcome) values ('x', 'late', 'done')
            """
        )
        #expect(try connection.query("select tableoid::regclass::text from audit").only().string(0) == "audit_rest")
        try PartitionRetention("audit", days: 400).round(on: connection)
        #expect(try connection.query("select tableoid::regclass::text from audit").only().string(0) == "audit_\(month)")
    }
}
