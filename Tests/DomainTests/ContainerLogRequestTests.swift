import Foundation
import Postgres
import Testing
import WorkerRuntime

@testable import Domain

/// Containers' logs, asked for and ended.
@Suite struct ContainerLogRequestTests {
    private let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
        try world.connection.script(
            """
            insert into resource_stream (cluster, namespace, epoch, sequence, gaps, unbroken_since, snapshot_wanted, changed_at)
            values ('c1', 'shop-staging', 1, 1, 0, 0, false, now()) on conflict do nothing;
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, generation, health,
                object, changed_at, status_at)
            select 'c1', namespace, 'Pod', 'web-1', 'v1', 'u', 1, 1, 1, 'healthy',
                '{"metadata":{"name":"web-1"},"spec":{"initContainers":[{"name":"wait"}],"containers":[{"name":"web"},{"name":"proxy"}]}}',
                now(), now()
            from environment where environment = 'staging'
            """
        )
    }

    private func asked() throws -> LogsRequested? {
        try world.published("agent.commands.c1").last { $0.name == "logs_requested" }
            .map { try JSONDecoder().decode(LogsRequested.self, from: Data($0.value)) }
    }

    @Test func `a log is asked of the agent and its command succeeds when it has ended`() throws {
        #expect(try world.ask("container.logs", #""pod":"web-1","lines":10"#) == .applied)
        let command = try world.lastCommand()
        let request = try #require(try asked())
        #expect(request.command == command.uuidString.lowercased())
        #expect((request.pod, request.container, request.lines, request.follow) == ("web-1", "web", 10, false))
        try world.report("acknowledged", of: command)
        #expect(try world.text("select state from command where id = '\(command)'") == "acknowledged")
        try world.report("applied", of: command, #""objects":[]"#)
        #expect(try world.text("select state from command where id = '\(command)'") == "succeeded")
    }

    @Test func `a log that is followed lasts as long as was asked for, and can be ended`() throws {
        try world.ask("container.logs", #""pod":"web-1","container":"proxy","follow":true,"seconds":600"#)
        let command = try world.lastCommand()
        #expect(try asked()?.seconds == 600)
        #expect(
            try world.text(
                "select extract(epoch from deadline - created_at)::int > 600 from command where id = '\(command)'"
            )
                == "true"
        )
        try world.report("acknowledged", of: command)
        _ = try world.published()
        #expect(try world.ask("command.cancel", #""command":"\#(command.uuidString)""#) == .applied)
        let withdrawn = try world.published("agent.commands.c1").last { $0.name == "withdrawn" }
        let text = String(decoding: withdrawn?.value ?? [], as: UTF8.self)
        #expect(text.contains(#""logs":"\#(command.uuidString.lowercased())""#), "\(text)")
        try world.report("applied", of: command, #""objects":[]"#)
        #expect(try world.text("select state from command where id = '\(command)'") == "succeeded")
    }

    @Test func `a log goes on as long as somebody says that he listens`() throws {
        try world.ask("container.logs", #""pod":"web-1","follow":true,"seconds":60"#)
        let command = try world.lastCommand()
        try world.report("acknowledged", of: command)
        _ = try world.published()
        let listen = #""command":"\#(command.uuidString)","seconds":3600"#
        #expect(try world.ask("container.listen", listen) == .applied)
        let told = try world.published("agent.commands.c1").filter { $0.name == "log_listened" }
        let listened = try told.map { try JSONDecoder().decode(LogListened.self, from: Data($0.value)) }
        #expect(listened == [LogListened(command: command.uuidString.lowercased(), seconds: 3600)])
        let left = "extract(epoch from least(deadline, step_deadline) - created_at)::int >= 3600"
        #expect(try world.text("select \(left) from command where id = '\(command)'") == "true")
        #expect(try world.text("select state from command where id = '\(command)'") == "acknowledged")
        // A shorter word takes nothing away.
        #expect(try world.ask("container.listen", #""command":"\#(command.uuidString)","seconds":1"#) == .applied)
        #expect(try world.text("select \(left) from command where id = '\(command)'") == "true")
        try world.report("applied", of: command, #""objects":[]"#)
        #expect(try world.refusal("container.listen", listen) == "already_ended command")
    }

    @Test func `who listens does not wait for an agent that never takes the log`() throws {
        try world.ask("container.logs", #""pod":"web-1","follow":true,"seconds":60"#)
        let command = try world.lastCommand()
        let due = "select state || ' ' || step_deadline from command where id = '\(command)'"
        let before = try world.text(due)
        try world.ask("container.listen", #""command":"\#(command.uuidString)","seconds":3600"#)
        #expect(try world.text(due) == before)
    }

    @Test func `who follows a log keeps nobody from disabling the environment`() throws {
        try world.ask("container.logs", #""pod":"web-1","follow":true,"seconds":600"#)
        let command = try world.lastCommand()
        try world.report("acknowledged", of: command)
        func disable() throws -> String? {
            let body = #"{"project":"shop","environment":"staging"}"#
            let outcome = try world.request("environment.disable", key: "shop/staging", body)
            guard case .rejected(let reason) = outcome else { return nil }
            return reason.code
        }
        try world.ask("config-map.create", ConfigMapRequestTests.red)
        #expect(try disable() == "commands_under_way")
        try world.applied()
        #expect(try disable() == nil)
        #expect(try world.text("select state from command where id = '\(command)'") == "acknowledged")
    }

    @Test func `only a log of the environment is listened to, by who may`() throws {
        #expect(try world.refusal("container.listen", #""command":"x""#) == "invalid_field command")
        let nobodys = #""command":"00000000-0000-4000-8000-000000000000""#
        #expect(try world.refusal("container.listen", nobodys) == "unknown_command command")
        #expect(try world.refusal("container.listen", nobodys + #","seconds":0"#) == "invalid_field seconds")
        try world.deploy()
        let other = try world.lastCommand().uuidString
        #expect(try world.refusal("container.listen", #""command":"\#(other)""#) == "unknown_command command")
        #expect(
            try world.refusal("container.listen", nobodys, as: "mallory")?.hasPrefix("not_permitted") == true
        )
    }

    @Test(arguments: [
        (#""pod":"web-2""#, "unknown_pod pod"), (#""pod":"web-1","container":"db""#, "unknown_container container"),
        (#""pod":"""#, "invalid_field pod"), (#""pod":"web-1","lines":0"#, "invalid_field lines"),
        (#""pod":"web-1","bytes":5"#, "invalid_field bytes"), (#""pod":"web-1","seconds":5"#, "invalid_field seconds"),
        (#""pod":"web-1","follow":true,"seconds":7200"#, "invalid_field seconds"),
        (#""pod":"web-1","follow":true,"previous":true"#, "invalid_field previous"),
        (#""pod":"web-1","container":"A b""#, "invalid_name container"),
    ])
    func `what cannot be is refused`(members: String, expected: String) throws {
        #expect(try world.refusal("container.logs", members) == expected)
    }

    @Test func `nobody reads a log without permission, without an agent, or beyond the limit`() throws {
        #expect(
            try world.refusal("container.logs", #""pod":"web-1""#, as: "mallory")?.hasPrefix("not_permitted") == true
        )
        for _ in 1...RequestContainerLogs.mostOpen {
            #expect(try world.ask("container.logs", #""pod":"web-1""#) == .applied)
        }
        #expect(try world.refusal("container.logs", #""pod":"web-1""#) == "too_many_logs")
        try world.connection.script("update cluster set state = 'lost'")
        #expect(try world.refusal("container.logs", #""pod":"web-1""#) == "agent_not_connected")
    }
}
