import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What somebody else has changed in a cluster: shown, and put back where the environment says so.
@Suite struct DriftReportTests {
    let world: CommandWorld
    private let command: UUID
    private static let drifted =
        #""objects":[{"apiVersion":"v1","kind":"ConfigMap","name":"web","change":"changed"}]"#
    private static let missing =
        #""objects":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","change":"missing"}]"#
    private static let none = #""objects":[]"#

    init() throws {
        world = try CommandWorld.ready()
        try world.make("config-map.create", #""configMap":"web","data":{"color":"red"}"#)
        command = try world.lastCommand()
        _ = try world.published()
    }

    private func repair(_ isWanted: Bool = true) throws {
        #expect(try world.ask("environment.update", #""repairDrift":\#(isWanted)"#) == .applied)
        _ = try world.published()
    }

    @Test func `drift is published once, and its end too`() throws {
        try world.report("drifted", of: command, Self.drifted)
        let messages = try world.published()
        #expect(messages.map(\.name) == ["status"], "nothing is repaired unless the environment says so")
        let drift = try #require(messages[0].json["drift"] as? [[String: String]])
        #expect(drift == [["apiVersion": "v1", "kind": "ConfigMap", "name": "web", "change": "changed"]])
        #expect(messages[0]["state"] == "running")
        try world.report("drifted", of: command, Self.drifted)
        #expect(try world.published().isEmpty, "it is no news")
        try world.report("drifted", of: command, Self.none)
        let ended = try world.published()
        #expect(ended.map(\.name) == ["status"] && ended[0].json["drift"] == nil)
    }

    @Test func `where the environment says so the command is sent once more, and told in the audit log`() throws {
        try repair()
        try world.report("drifted", of: command, Self.drifted)
        let messages = try world.published()
        #expect(messages.map(\.name).sorted() == ["objects_requested", "status"])
        let request = try #require(messages.first { $0.name == "objects_requested" })
        #expect(request["repair"] == "1" && request["command"] == command.uuidString.lowercased())
        #expect(request.appliedObjects == ["ConfigMap web"])
        #expect(
            try world.text(
                "select decided_by || ' ' || subject_name || ' ' || outcome from audit where operation = 'drift.repair'"
            )
                == "agent-worker web sent"
        )
        try world.report("drifted", of: command, Self.drifted)
        #expect(try world.published().isEmpty, "the agent has a minute for it")
        try world.connection.script("update environment_object set repaired_at = now() - interval '61 s'")
        try world.report("drifted", of: command, Self.drifted)
        let again = try world.published()
        #expect(again.map(\.name) == ["objects_requested"])
        #expect(again.first?.id != request.id, "each repair is a message of its own")
        try world.report("applied", of: command, Self.none)
        #expect(try world.results() == [], "the command has ended before")
        #expect(try world.text("select state from command where id = '\(command)'") == "succeeded")
    }

    @Test func `an instance's release is sent once more`() throws {
        try world.deploy()
        let deploy = try world.lastCommand()
        try world.report("applied", of: deploy, CommandReportTests.objects)
        try world.connection.script(
            """
            update command set state = 'succeeded' where id = '\(deploy)';
            update instance set open_command = null, state = 'running'
            """
        )
        try repair()
        _ = try world.published()
        try world.report("drifted", of: deploy, Self.missing)
        let messages = try world.published()
        #expect(messages.map(\.name).sorted() == ["release_requested", "status"])
        #expect(messages.first { $0.name == "release_requested" }?["repair"] == "1")
        #expect(messages.first { $0.topic == "instance.status" }?.json["drift"] != nil)
    }

    @Test func `what is said of another than the newest command counts for nothing`() throws {
        try repair()
        #expect(try world.ask("config-map.update", #""configMap":"web","data":{"color":"blue"}"#) == .applied)
        _ = try world.published()
        try world.report("drifted", of: command, Self.drifted)
        try world.report("drifted", of: try world.lastCommand(), Self.drifted)
        #expect(try world.published().isEmpty, "the newer command is still open")
    }

    @Test func `a newer command ends what was told before, and so does a new agent`() throws {
        try world.report("drifted", of: command, Self.drifted)
        _ = try world.published()
        try world.connect("c1")
        #expect(try world.published("object.status").map { $0.json["drift"] == nil } == [true], "its end may be lost")
        try world.report("drifted", of: command, Self.drifted)
        _ = try world.published()
        try world.connect("c1", boot: UUID().uuidString)
        #expect(try world.published("object.status").map { $0.json["drift"] == nil } == [true])
        try world.report("drifted", of: command, Self.drifted, epoch: 2)
        #expect(try world.published("object.status").map { $0.json["drift"] == nil } == [false])
        #expect(try world.ask("config-map.update", #""configMap":"web","data":{"color":"blue"}"#) == .applied)
        #expect(try world.published("object.status").map { $0.json["drift"] == nil } == [true])
    }

    @Test func `what cannot be decrypted is shown and not put back, and tried when it is told again`() throws {
        try world.deploy()
        let deploy = try world.lastCommand()
        try world.succeed(deploy)
        try repair()
        try world.connection.script(
            "update application set registry_server = 'r', registry_username = 'u', registry_password = 'damaged'"
        )
        #expect(try world.report("drifted", of: deploy, Self.missing) == .applied)
        #expect(try world.published().map(\.topic) == ["instance.status"])
        #expect(try world.text("select count(*) from audit where operation = 'drift.repair'") == "0")
        try world.connection.script("update application set registry_password = null")
        try world.report("drifted", of: deploy, Self.missing)
        #expect(try world.published().map(\.name) == ["release_requested"])
    }

    // MARK: After a command that was not done

    /// Ends a command that the agent has not done.
    private func end(_ newer: UUID, as state: String) throws {
        switch state {
        case "canceled":
            #expect(try world.ask("command.cancel", #""command":"\#(newer.uuidString.lowercased())""#) == .applied)
        case "failed":
            try world.report("failed", of: newer, #""code":"x","message":"y""#)
        default:
            try world.connection.script(
                "update command set deadline = now() - interval '1 second' where state = 'sent'"
            )
            try world.passTime()
        }
        #expect(try world.text("select state from command where id = '\(newer)'") == state)
        _ = try world.published()
    }

    @Test(arguments: ["canceled", "timed_out", "failed"])
    func `what a command left is put back, though a newer one was asked for in vain`(state: String) throws {
        try repair()
        #expect(try world.ask("config-map.update", #""configMap":"web","data":{"color":"blue"}"#) == .applied)
        try end(try world.lastCommand(), as: state)
        try world.report("drifted", of: command, Self.drifted)
        let messages = try world.published()
        #expect(messages.map(\.name).sorted() == ["objects_requested", "status"])
        #expect(messages.first { $0.name == "status" }?.json["drift"] != nil)
        let request = try #require(messages.first { $0.name == "objects_requested" })
        #expect(request["repair"] == "1" && request["command"] == command.uuidString.lowercased())
        #expect(request["generation"] == "1", "the mark in the cluster")
        let objects = request.json["objects"] as? [[String: Any]]
        let data = objects?.first?["data"] as? [String: String]
        #expect(data == ["color": "red"])
    }

    @Test(arguments: ["canceled", "timed_out", "failed"])
    func `a release is put back as it was, though another version was asked for in vain`(state: String) throws {
        try world.deploy()
        let deploy = try world.lastCommand()
        try world.succeed(deploy)
        try repair()
        try world.deploy("1.1.0")
        try end(try world.lastCommand(), as: state)
        try world.report("drifted", of: deploy, Self.missing)
        let messages = try world.published()
        #expect(messages.map(\.name).sorted() == ["release_requested", "status"])
        let request = try #require(messages.first { $0.name == "release_requested" })
        #expect(request["command"] == deploy.uuidString.lowercased() && request["generation"] == "1")
        #expect(request["version"] == "1.0.0")
    }

    @Test(arguments: [("canceled", true), ("timed_out", false), ("failed", false)])
    func `after a deletion that was not done nothing is put back, unless it was taken back`(
        state: String,
        isRepaired: Bool
    ) throws {
        try repair()
        #expect(try world.ask("config-map.delete", #""configMap":"web""#) == .applied)
        try end(try world.lastCommand(), as: state)
        try world.report("drifted", of: command, Self.drifted)
        let names = try world.published().map(\.name).sorted()
        #expect(names == (isRepaired ? ["objects_requested", "status"] : ["status"]))
    }

    @Test func `what the agent did late ends what was told before it`() throws {
        #expect(try world.ask("config-map.update", #""configMap":"web","data":{"color":"blue"}"#) == .applied)
        let newer = try world.lastCommand()
        try end(newer, as: "timed_out")
        try world.report("drifted", of: command, Self.drifted)
        #expect(try world.published("object.status").map { $0.json["drift"] == nil } == [false])
        try world.report("applied", of: newer, Self.none)
        #expect(try world.published("object.status").map { $0.json["drift"] == nil } == [true])
        try world.report("drifted", of: command, Self.drifted)
        #expect(try world.published().isEmpty)
    }

    @Test func `a release that the agent made late ends what was told before it`() throws {
        try world.deploy()
        let deploy = try world.lastCommand()
        try world.succeed(deploy)
        try world.deploy("1.1.0")
        let newer = try world.lastCommand()
        try end(newer, as: "timed_out")
        try world.report("drifted", of: deploy, Self.missing)
        #expect(try world.published("instance.status").map { $0.json["drift"] == nil } == [false])
        try world.report("applied", of: newer, CommandReportTests.objects)
        #expect(try world.published("instance.status").map { $0.json["drift"] == nil } == [true])
        try world.report("drifted", of: deploy, Self.missing)
        #expect(try world.published().isEmpty)
    }

    @Test func `after a recovery drift is told, shown and put back by the marks that the cluster has`() throws {
        try repair()
        try world.connection.script("update installation set timeline = timeline + 1")
        _ = try Recovery(fleetKey: world.fleetKey).run(on: world.connection)
        try world.connect("c1")
        _ = try world.published()
        try world.report("drifted", of: command, Self.drifted, epoch: Recovery.jump + 1)
        let messages = try world.published()
        #expect(messages.map(\.name).sorted() == ["objects_requested", "status"])
        #expect(messages.first { $0.name == "objects_requested" }?["generation"] == "1")
    }

    // MARK: How often

    static let paces: [(isWanted: Bool, isActive: Bool, hasObjects: Bool, last: Int64?, isDue: Bool)] = [
        (true, true, true, nil, true), (false, true, true, nil, false), (true, false, true, nil, false),
        (true, true, false, nil, false), (true, true, true, 40_000_000, false), (true, true, true, 39_999_999, false),
        (true, true, true, 10_000_000, false), (true, true, true, 0, true),
    ]

    @Test(arguments: paces)
    func `a repair is due where it is wanted, and not sooner than a minute after the last`(
        isWanted: Bool,
        isActive: Bool,
        hasObjects: Bool,
        last: Int64?,
        isDue: Bool
    ) {
        let object = DriftedObject(apiVersion: "v1", kind: "Service", name: "web", change: .missing)
        #expect(
            RepairPace.isDue(
                isWanted: isWanted,
                isActive: isActive,
                objects: hasObjects ? [object] : [],
                last: last,
                now: 60_000_000
            ) == isDue
        )
    }
}
