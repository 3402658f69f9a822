import Foundation
import Postgres
import TestSupport
import Testing

/// Messages that have no sender to be answered wait in their partition when too many wait behind a failed one.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct FullQueueTests {
    private static let topics = ["release.events", "release.events.dlt", "deployment.requests"]
    private let world: FleetWorld
    private let limits = [
        "SLIPWAY_RETRY_ATTEMPTS": "100", "SLIPWAY_QUEUE_MESSAGES": "2", "SLIPWAY_RETRY_MILLISECONDS": "100",
    ]

    init() throws {
        world = try FleetWorld(topics: Self.topics)
        try world.database.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'this one is refused'; end $$;
            create trigger refuse before insert on version for each row when (new.artifact = 'bad')
                execute function refuse();
            """
        )
    }

    private func release(_ artifact: String, _ version: Int, partition: Int32) throws {
        try world.send(
            "release.events",
            key: artifact,
            type: "slipway.release.published.v1",
            id: "\(artifact)-\(version)",
            value: Array(
                #"{"artifact":"\#(artifact)","version":"1.0.\#(version)","image":"r/\#(artifact):\#(version)"}"#.utf8
            ),
            partition: partition
        )
    }

    private func waitForVersions(_ count: Int64, of artifact: String) throws {
        _ = try eventually("\(count) versions of \(artifact)", within: .seconds(60)) {
            try world.number("select count(*) from version where artifact = '\(artifact)'") == count ? true : nil
        }
    }

    private func waitUntilPaused(_ worker: WorkerProcessHandle) throws {
        _ = try eventually("a partition that waits") {
            worker.output.contains("the partition waits for room") ? true : nil
        }
    }

    /// The versions of the bad artifact in the order in which they were recorded; a batch has one time, and its rows lie in
    /// their order.
    private func order() throws -> [String] {
        try world.database.query("select version from version where artifact = 'bad' order by recorded_at, ctid").map {
            try $0.string(0)
        }
    }

    private func expectNothingLost() throws {
        #expect(try order() == (1...9).map { "1.0.\($0)" })
        #expect(try world.number("select count(*) from outbox_message where topic like '%.dlt'") == 0)
        #expect(try world.number("select sum(dead_lettered)::bigint from partition_claim") == 0)
        #expect(try world.number("select count(*) from parked_key") == 0)
        #expect(try world.number("select sum(parked - released_applied)::bigint from partition_claim") == 0)
        #expect(try world.ledgerCloses())
    }

    @Test func `a partition waits while a key's queue is full and goes on in order when it has room`() throws {
        let port = try WebPage.freePort()
        let worker = try world.start("release-worker", ["--http-port", "\(port)"], limits)
        func paused(_ count: Int) throws -> Bool? {
            let line = #"slipway_lane_paused_partitions{worker="release-worker"} \#(count).0"#
            return try WebPage.get(port: port, "/metrics").body.contains(line) ? true : nil
        }
        for version in 1...6 { try release("bad", version, partition: 0) }
        try release("good", 1, partition: 0)
        try waitUntilPaused(worker)
        for version in 7...9 { try release("bad", version, partition: 0) }
        for version in 1...3 { try release("other", version, partition: 1) }
        try waitForVersions(3, of: "other")
        _ = try eventually("the metric") { try paused(1) }
        #expect(try world.number("select messages from parked_key") == 2)
        #expect(try world.number("select next_offset from partition_claim where partition = 0") == 2)
        #expect(try world.number("select count(*) from version where artifact = 'good'") == 0, "it lies behind")

        try world.database.script("drop trigger refuse on version")
        try waitForVersions(9, of: "bad")
        try waitForVersions(1, of: "good")
        _ = try eventually("the metric") { try paused(0) }
        try expectNothingLost()
        #expect(worker.output.components(separatedBy: "the partition waits for room").count >= 2)
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }

    @Test func `a partition that waits is given to another worker, which goes on with it`() throws {
        let first = try world.start("release-worker", [], limits)
        for version in 1...9 { try release("bad", version, partition: 0) }
        try waitUntilPaused(first)
        let second = try world.start("release-worker", [], limits)
        _ = try eventually("two owners", within: .seconds(60)) {
            try world.number("select count(distinct owner) from partition_claim") == 2 ? true : nil
        }
        first.signal(SIGTERM)
        #expect(try first.exitCode() == 0)
        try waitUntilPaused(second)
        #expect(try world.number("select next_offset from partition_claim where partition = 0") == 2)
        try world.database.script("drop trigger refuse on version")
        try waitForVersions(9, of: "bad")
        try expectNothingLost()
        second.signal(SIGTERM)
        #expect(try second.exitCode() == 0)
    }

    @Test func `a partition that waits goes on waiting after the database was away`() throws {
        let worker = try world.start("release-worker", [], limits)
        for version in 1...9 { try release("bad", version, partition: 0) }
        try waitUntilPaused(worker)
        try world.database.script(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
            """
        )
        _ = try eventually("the database again") { worker.output.contains("the database answers again") ? true : nil }
        try release("other", 1, partition: 1)
        try waitForVersions(1, of: "other")
        #expect(try world.number("select next_offset from partition_claim where partition = 0") == 2)
        try world.database.script("drop trigger refuse on version")
        try waitForVersions(9, of: "bad")
        try expectNothingLost()
    }
}
