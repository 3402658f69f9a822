import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What was applied is judged by what is told of its objects: what lies unread, or is not told, decides nothing.
@Suite struct UnreadObjectsTests {
    let world: CommandWorld

    /// A command that was applied.
    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        try world.report("applied", of: try world.lastCommand(), CommandReportTests.objects)
        _ = try world.published()
    }

    private func set(_ column: String, secondsAgo seconds: Int, more: String = "") throws {
        try world.connection.script(
            "update command set \(column) = now() - interval '\(seconds) seconds'\(more) where state = 'applied'"
        )
    }

    private func result() throws -> String? {
        guard let result = try world.published("deployment.results").last else { return nil }
        return [result["state"], result["reason.code"]].compactMap(\.self).joined(separator: " ")
    }

    @Test(arguments: ["now() - interval '1 hour'", nil] as [String?])
    func `a command is not late while what was told of its objects lies unread`(read: String?) throws {
        try set("step_deadline", secondsAgo: 1)
        #expect(try !world.passTime(changesUntil: read))
        try set("step_deadline", secondsAgo: 601)
        #expect(try world.passTime(changesUntil: read))
        #expect(try result() == "timed_out slipway_behind")
    }

    @Test func `a command that was not applied does not wait for what is told of objects`() throws {
        try world.deploy(instance: "api")
        try world.connection.script(
            "update command set step_deadline = now() - interval '1 second' where state = 'sent'"
        )
        #expect(try world.passTime(changesUntil: nil))
        #expect(try result() == "timed_out not_acknowledged")
    }

    @Test(arguments: ["now() - interval '1 hour'", nil] as [String?])
    func `good health counts for as long as everything was read that was told meanwhile`(read: String?) throws {
        try set("healthy_since", secondsAgo: 60)
        #expect(try !world.passTime(changesUntil: read))
        #expect(try world.passTime())
        #expect(try result() == "succeeded")
    }

    @Test func `it waits for no more of what the agent says than that it has spoken`() throws {
        try set("healthy_since", secondsAgo: 60)
        #expect(try world.passTime(consumedUntil: "now() - interval '1 hour'"))
        #expect(try result() == "succeeded")
    }

    @Test func `so does failing`() throws {
        try set("failing_since", secondsAgo: 90, more: ", failing_code = 'image_pull', failing_reason = 'No image.'")
        #expect(try !world.passTime(changesUntil: "now() - interval '1 hour'"))
        #expect(try world.passTime())
        #expect(try result() == "failed image_pull")
    }

    @Test func `what was gone when it was seen has not to last, and waits for nothing`() throws {
        try set("healthy_since", secondsAgo: 1, more: ", settle_seconds = 0")
        #expect(try world.passTime(changesUntil: nil))
        #expect(try result() == "succeeded")
    }

    /// A lease that no slow machine outlasts.
    private static let lease = 7_200

    @Test func `an agent that has been silent since says nothing of good health`() throws {
        try set("healthy_since", secondsAgo: 3_600)
        try hear(secondsAgo: 3_595)
        #expect(try !world.passTime(lease: Self.lease))
        try world.beat()
        #expect(try world.passTime(lease: Self.lease))
        #expect(try result() == "succeeded")
    }

    private func hear(secondsAgo seconds: Int) throws {
        try world.connection.script(
            """
            update cluster set last_seen = now() - interval '\(seconds) seconds',
                account_heard_at = now() - interval '\(seconds) seconds'
            """
        )
    }

    @Test func `an agent that comes back is not taken at its first word: its snapshots tell what happened meanwhile`()
        throws
    {
        try set("healthy_since", secondsAgo: 3_600)
        let boot = "0b000000-0000-4000-8000-000000000002"
        try world.connect("c1", boot: boot)
        #expect(try !world.passTime(), "a hello")
        try world.beat(epoch: 2, boot: boot, complete: false)
        #expect(try !world.passTime(), "it lives, and has not told all")
        try world.beat(epoch: 2, boot: boot)
        #expect(try !world.passTime(changesUntil: "now() - interval '1 minute'"), "what it told lies unread")
        #expect(try world.passTime())
        #expect(try result() == "succeeded")
    }

    @Test(arguments: [false, nil] as [Bool?])
    func `one that was cut off tells all anew, and one of a version before is believed`(complete: Bool?) throws {
        try set("healthy_since", secondsAgo: 3_600)
        try world.beat(complete: complete)
        #expect(try world.passTime() == (complete == nil))
    }

    @Test(arguments: ["null", "now() - interval '40 seconds'"])
    func `where workers of a version before follow an agent, its last word counts`(heard: String) throws {
        try set("healthy_since", secondsAgo: 3_600)
        try world.connection.script("update cluster set account_complete_since = null, account_heard_at = \(heard)")
        #expect(try world.passTime())
        #expect(try result() == "succeeded")
    }

    @Test func `what was heard of another boot, whose successor they have welcomed, counts for nothing`() throws {
        try set("healthy_since", secondsAgo: 3_600)
        try world.connection.script(
            "update cluster set account_epoch = 0, account_complete_since = now() - interval '1 hour'"
        )
        #expect(try !world.passTime())
        try world.beat()
        #expect(try !world.passTime(changesUntil: "now() - interval '1 minute'"), "the account began with that word")
        #expect(try world.passTime())
    }

    @Test func `a deadline waits for the snapshots of an agent that came back, and says so in the end`() throws {
        try set("step_deadline", secondsAgo: 1)
        try world.beat(complete: false)
        #expect(try !world.passTime())
        try set("step_deadline", secondsAgo: 601)
        #expect(try world.passTime())
        let result = try #require(try world.published("deployment.results").last)
        #expect(result["reason.code"] == "agent_offline")
        #expect(result["reason.message"]?.contains("has not told all that it sees") == true)
    }

    @Test func `a deadline waits for the next word of an agent that lives, and names one that is lost`() throws {
        try set("healthy_since", secondsAgo: 3_600, more: ", step_deadline = now() - interval '1 second'")
        try hear(secondsAgo: 3_595)
        #expect(try !world.passTime(lease: Self.lease))
        try hear(secondsAgo: 7_300)
        #expect(try world.passTime(lease: Self.lease))
        let result = try #require(try world.published("deployment.results").last)
        #expect(result["reason.code"] == "agent_offline")
        #expect(result["reason.message"]?.contains("were healthy when the agent") == true)
    }

    @Test func `the partition of the namespace counts where it is known, and all of them where it is not`() throws {
        try world.read(status: "now()", changes: "now()")
        try world.connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, next_offset, consumed_until)
            values ('resources', 'resource.changes', 1, 0, now() - interval '1 hour');
            insert into resource_stream (cluster, namespace, epoch, sequence, changed_at)
            values ('c1', 'shop-staging', 1, 1, now())
            """
        )
        try set("healthy_since", secondsAgo: 60)
        #expect(try !world.timekeeper().round(on: world.connection), "as a worker of the version before wrote it")
        try world.connection.script("update resource_stream set partition = 1")
        #expect(try !world.timekeeper().round(on: world.connection))
        try world.connection.script("update resource_stream set partition = 0")
        #expect(try world.timekeeper().round(on: world.connection))
        #expect(try result() == "succeeded")
    }
}
