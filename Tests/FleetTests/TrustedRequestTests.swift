import Foundation
import Postgres
import TestSupport
import Testing

/// Requests of trusted programs come on topics of their own and need no token.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct TrustedRequestTests {
    @Test func `a worker reads trusted topics beside that of tokens, and permission is the named caller's`() throws {
        let trusted = ["portal.requests", "portal.requests.dlt", "cron.requests", "cron.requests.dlt"]
        let world = try FleetWorld(topics: DoneOnceTests.topics + trusted, partitions: 1)
        _ = try world.start("outbox-relay")
        _ = try world.start(
            "deployment-worker",
            [],
            ["SLIPWAY_TRUSTED_REQUEST_TOPICS": "portal.requests,cron.requests:cron-bot"]
        )
        func send(_ topic: String, _ project: String, caller: String?) throws {
            try world.send(
                topic,
                key: project,
                type: "slipway.project.create.v1",
                id: project,
                headers: caller.map { [("slipway-caller", $0)] } ?? [],
                value: Array(#"{"project":"\#(project)","owners":["olga"]}"#.utf8)
            )
        }
        try send("portal.requests", "by-root", caller: "root")
        try send("portal.requests", "by-mallory", caller: "mallory")
        try send("portal.requests", "by-nobody", caller: nil)
        try send("cron.requests", "by-cron", caller: nil)
        try send("cron.requests", "by-pretender", caller: "root")
        try world.request("project.create", key: "by-token", id: "by-token", #"{"project":"by-token"}"#)
        _ = try eventually("every request is decided") {
            try world.number("select count(*) from audit where outcome <> 'succeeded'") == 6 ? true : nil
        }
        let lines = try world.database.query(
            "select concat_ws(' ', project, caller, outcome, reason_code) from audit where outcome <> 'succeeded'"
        ).map { try $0.string(0) }
        #expect(
            Set(lines) == [
                "by-root root accepted", "by-mallory mallory rejected not_permitted",
                "by-nobody rejected caller_missing", "by-cron cron-bot rejected not_permitted",
                "by-pretender rejected caller_mismatch", "by-token root accepted",
            ]
        )
        let audit = try world.start("slipway", ["audit", "by-root", "--json"])
        #expect(try audit.exitCode() == 0)
        #expect(audit.output.contains(#""operation" : "project.create""#), "\(audit.output)")
    }

    @Test func `a fleet with trusted topics only needs no keys of tokens, and takes no tokens`() throws {
        let topics = DoneOnceTests.topics + ["portal.requests", "portal.requests.dlt"]
        let world = try FleetWorld(topics: topics, partitions: 1)
        world.environment["SLIPWAY_TOKEN_KEYS"] = ""
        let alone = try world.start("deployment-worker")
        #expect(try alone.exitCode() != 0)
        #expect(alone.output.contains("SLIPWAY_TOKEN_KEYS is not set"), "\(alone.output)")
        let wrong = try world.start("slipway", ["doctor"])
        #expect(try wrong.exitCode() == 1)
        #expect(wrong.output.contains("wrong  tokens: SLIPWAY_TOKEN_KEYS is not set: deployment-worker does not start"))

        world.environment["SLIPWAY_TRUSTED_REQUEST_TOPICS"] = "portal.requests:root"
        let doctor = try world.start("slipway", ["doctor"])
        _ = try doctor.exitCode()
        #expect(doctor.output.contains("warning  tokens: SLIPWAY_TOKEN_KEYS is not set"), "\(doctor.output)")
        _ = try world.start("deployment-worker")
        try world.request("project.create", key: "shop", id: "by-token", #"{"project":"shop"}"#)
        try world.send(
            "portal.requests",
            key: "shop",
            type: "slipway.project.create.v1",
            id: "by-portal",
            value: Array(#"{"project":"shop"}"#.utf8)
        )
        _ = try eventually("both are decided") {
            try world.number("select count(*) from audit where outcome <> 'succeeded'") == 2 ? true : nil
        }
        let lines = try world.database.query(
            "select concat_ws(' ', request_id, outcome, reason_code) from audit where outcome <> 'succeeded' order by 1"
        ).map { try $0.string(0) }
        #expect(lines == ["by-portal accepted", "by-token rejected tokens_not_taken"])
    }
}
