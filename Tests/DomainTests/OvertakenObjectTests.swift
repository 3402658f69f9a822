import Foundation
import Postgres
import Sealing
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What is in the cluster of an object where a command had ended before the agent said that it was done.
@Suite struct OvertakenObjectTests {
    let world: CommandWorld

    /// A secret with one key.
    init() throws {
        world = try CommandWorld.ready()
        try put("create", "a")
        try world.applied()
    }

    /// Asks for a key, and returns the command.
    @discardableResult
    private func put(_ verb: String, _ key: String) throws -> UUID {
        let sealed = try CommandWorld.sealed("value of \(key)", "db", key)
        #expect(try world.ask("secret.\(verb)", #""secret":"db","data":{"\#(key)":"\#(sealed)"}"#) == .applied)
        return try world.lastCommand()
    }

    /// The keys that the agent is told with one more: what a change is made to.
    private func base() throws -> [String] {
        _ = try world.published()
        try put("update", "z")
        let message = try #require(try world.published("agent.commands.c1").last { $0.name == "objects_requested" })
        return message.sealedValues.keys.sorted().filter { $0 != "z" }
    }

    private func state() throws -> String? { try world.text("select state from environment_object") }

    @Test(arguments: ["failed", "timed_out", "canceled"])
    func `what a replaced edit did is there, also where what took its place is not done`(end: String) throws {
        let overtaken = try put("update", "b")
        try world.report("acknowledged", of: overtaken)
        let newer = try put("update", "c")
        let before = try world.object("secret", "db")
        try world.report("applied", of: overtaken, #""objects":[]"#)
        #expect(try world.object("secret", "db") == before, "nobody sees a difference")
        try world.end(newer, as: end)
        #expect(try state() == (end == "canceled" ? "running" : "failed"))
        #expect(try base() == ["a", "b"])
    }

    @Test(arguments: ["failed", "timed_out", "canceled"])
    func `so it is where the agent says so only afterwards`(end: String) throws {
        let overtaken = try put("update", "b")
        try world.end(try put("update", "c"), as: end)
        _ = try world.published()
        try world.report("applied", of: overtaken, #""objects":[]"#)
        #expect(try world.published("object.status").count == 1)
        #expect(try base() == ["a", "b"])
    }

    @Test func `a replaced edit that was not done is no basis`() throws {
        try put("update", "b")
        try world.end(try put("update", "c"), as: "failed")
        #expect(try base() == ["a"])
    }

    @Test func `what took the place and is done counts, whatever is said of the older one afterwards`() throws {
        let overtaken = try put("update", "b")
        try put("update", "c")
        try world.applied()
        try world.report("applied", of: overtaken, #""objects":[]"#)
        #expect(try base() == ["a", "b", "c"])
        #expect(try world.text("select count(*) from object_attempt where command = '\(overtaken)'") == "0")
    }

    @Test func `what was taken back and done all the same is there, told once`() throws {
        let command = try put("update", "b")
        try world.end(command, as: "canceled")
        #expect(try world.published("object.status").last?["keys"] == "a")
        for _ in 1...2 { try world.report("applied", of: command, #""objects":[]"#) }
        let messages = try world.published("object.status")
        #expect(messages.map { $0["keys"] } == ["a b"] && messages.last?["state"] == "running")
        #expect(try base() == ["a", "b"])
    }

    @Test func `a deletion that was taken back and done all the same is one`() throws {
        try world.ask("secret.delete", #""secret":"db""#)
        let command = try world.lastCommand()
        try world.end(command, as: "canceled")
        #expect(try state() == "running")
        try world.report("applied", of: command, #""objects":[]"#)
        #expect(try state() == "deleted")
        #expect(try world.text("select count(*) from object_attempt") == "0")
    }

    @Test func `a creation runs once it is done, though an edit took its place that was taken back`() throws {
        try world.ask("config-map.create", #""configMap":"web","data":{"color":"red"}"#)
        let creation = try world.lastCommand()
        try world.ask("config-map.update", #""configMap":"web","data":{"color":"blue"}"#)
        try world.end(try world.lastCommand(), as: "canceled")
        #expect(try world.object("config-map", "web")?.hasPrefix("failed ") == true)
        _ = try world.published()
        try world.report("applied", of: creation, #""objects":[]"#)
        let status = try #require(try world.published("object.status").last)
        #expect(status["state"] == "running" && status["reason"] == nil)
        let same = #""configMap":"web","data":{"color":"red"}"#
        #expect(try world.refusal("config-map.update", same) == "no_change configMap")
        #expect(try Verification.differences(on: world.connection) == [])
    }

    @Test func `a deletion that was done late is one, though an edit was asked for since and taken back`() throws {
        try world.ask("secret.delete", #""secret":"db""#)
        let deletion = try world.lastCommand()
        try world.end(deletion, as: "timed_out")
        try world.end(try put("update", "b"), as: "canceled")
        #expect(try state() == "failed")
        try world.report("applied", of: deletion, #""objects":[]"#)
        #expect(try state() == "deleted")
        #expect(try world.text("select count(*) from object_attempt") == "0")
        #expect(try Verification.differences(on: world.connection) == [])
    }

    @Test func `nothing confidential is left of a deleted secret, nor of what was asked of it in vain`() throws {
        try world.end(try put("update", "b"), as: "failed")
        #expect(try world.text("select count(*) from object_attempt") == "1")
        try world.make("secret.delete", #""secret":"db""#)
        #expect(try world.text("select count(*) from object_attempt") == "0")
    }

    /// What an edit asked for in vain is there, though something newer is done: as a worker of the version before leaves it.
    private func leaveAttempt(of key: String, before newer: () throws -> Void) throws {
        try world.end(try put("update", key), as: "failed")
        try world.connection.script("create table left_behind as select * from object_attempt")
        try newer()
        #expect(try world.text("select count(*) from object_attempt") == "0")
        try world.connection.script("insert into object_attempt select * from left_behind")
    }

    @Test func `what failed before something newer was done makes no later edit doubtful`() throws {
        try leaveAttempt(of: "b") {
            try put("update", "c")
            try world.applied()
        }
        try world.end(try put("update", "d"), as: "canceled")
        #expect(try state() == "running")
        #expect(try base() == ["a", "c"])
    }

    @Test func `a name that begins a new life knows nothing of what an earlier one asked for in vain`() throws {
        try leaveAttempt(of: "b") { try world.make("secret.delete", #""secret":"db""#) }
        try put("create", "c")
        #expect(try world.text("select count(*) from object_attempt") == "0")
        try world.applied()
        #expect(try base() == ["c"])
    }

    /// The key ring with another key, which is the newest, and that key alone.
    private static func nextKeys() throws -> (both: KeyRing, alone: KeyRing) {
        let path = NSTemporaryDirectory() + "key-ring-\(UUID().uuidString)"
        try KeyRing.addKey(named: "second", to: path)
        let alone = try KeyRing.load(path)
        let first = try String(contentsOfFile: CommandWorld.keyRingPath, encoding: .utf8)
        let second = try String(contentsOfFile: path, encoding: .utf8)
        let both = path + "-both"
        try Data((first + second).utf8).write(to: URL(filePath: both))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: both)
        return (try KeyRing.load(both), alone)
    }

    @Test func `the key ring's next key encrypts what was asked for in vain, too`() throws {
        try world.end(try put("update", "b"), as: "failed")
        let keys = try Self.nextKeys()
        let report = try KeyRingRotation(keyRing: keys.both).run(on: world.connection)
        #expect(report == .init(rows: 2, values: 5))
        #expect(try KeyRingRotation(keyRing: keys.alone).run(on: world.connection).values == 0)
    }

    @Test func `what goes from an attempt to its object during a rotation is encrypted anew, too`() throws {
        try world.end(try put("update", "b"), as: "failed")
        try world.connection.script(
            """
            create function copy_attempt() returns trigger language plpgsql as $$
            begin
                update environment_object set running_confidential = old.confidential where id = old.object_id;
                return new;
            end $$;
            create trigger copy_attempt before update on object_attempt for each row execute function copy_attempt()
            """
        )
        let keys = try Self.nextKeys()
        let report = try KeyRingRotation(keyRing: keys.both).run(on: world.connection)
        #expect(report == .init(rows: 2, values: 7), "rows are counted once")
        #expect(try KeyRingRotation(keyRing: keys.alone).run(on: world.connection).values == 0)
    }
}
