import Domain
import Foundation
import Postgres
import TestSupport
import Testing
import WorkerRuntime

/// Partitions that are added to a topic wait for the older ones.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct TopicGrowthTests {
    private func waitForProjects(_ count: Int64, _ world: FleetWorld) throws {
        _ = try eventually("\(count) projects", within: .seconds(60)) {
            try world.number("select count(*) from project") == count ? true : nil
        }
    }

    @Test
    func `a new partition waits until the old ones are read to their noted ends, and is then read from its start`()
        throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 3)
        let growth = try TopicGrowth(of: "deployment.requests", from: 1, to: 3)
        try growth.begin(on: world.database)
        let worker = try world.start("deployment-worker")
        for number in 1...2 {
            try world.createProject("old\(number)", on: 0)
            try world.createProject("new\(number)", on: Int32(number))
        }
        try waitForProjects(2, world)
        _ = try eventually("both new ones wait") {
            worker.output.components(separatedBy: "a new partition waits").count == 3 ? true : nil
        }
        try growth.note(ends: [3], on: world.database)
        try world.createProject("old3", on: 0)
        try waitForProjects(5, world)
        #expect(
            try world.number(
                """
                select count(*) from partition_claim n join partition_claim o on o.partition = 0
                where n.partition > 0 and n.claimed_at > o.claimed_at and n.next_offset = 1
                """
            ) == 2
        )
        #expect(try world.ledgerCloses())
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
        // What was read once is no new partition any more.
        try world.database.script("update topic_growth set ends = array[1000000]::bigint[]")
        _ = try world.start("deployment-worker")
        try world.createProject("again", on: 2)
        try waitForProjects(6, world)
    }

    @Test
    func `a lane with a new partition alone stays in the group, and gets it when another lane has read the old one`()
        throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        let growth = try TopicGrowth(of: "deployment.requests", from: 1, to: 2)
        try growth.begin(on: world.database)
        try world.createProject("old1", on: 0)
        try world.createProject("new1", on: 1)
        let workers = [try world.start("deployment-worker"), try world.start("deployment-worker")]
        try waitForProjects(1, world)
        _ = try eventually("the new one waits") {
            workers.contains { $0.output.contains("a new partition waits") } ? true : nil
        }
        try growth.note(ends: [1], on: world.database)
        try waitForProjects(2, world)
        for worker in workers {
            worker.signal(SIGTERM)
            #expect(try worker.exitCode() == 0)
        }
    }

    @Test func `a parked key whose messages lie in an old and in a new partition is counted in each`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        try world.database.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'this one is refused'; end $$;
            create trigger refuse before insert on project for each row execute function refuse();
            """
        )
        let worker = try world.start("deployment-worker", [], ["SLIPWAY_RETRY_ATTEMPTS": "100"])
        try world.createProject("shop", on: 0)
        _ = try eventually("the first one is parked") {
            try world.number("select count(*) from parked_message") == 1 ? true : nil
        }
        try world.send(
            "deployment.requests",
            key: "shop",
            type: "slipway.application.create.v1",
            id: "web",
            value: Array(#"{"project":"shop","application":"web"}"#.utf8),
            partition: 1
        )
        _ = try eventually("the second one waits behind it") {
            try world.number("select messages::bigint from parked_key") == 2 ? true : nil
        }
        try world.database.script("drop trigger refuse on project")
        _ = try eventually("both are done") {
            try world.number("select count(*) from parked_key") == 0 ? true : nil
        }
        #expect(try world.number("select count(*) from application") == 1, "in their order")
        #expect(try world.number("select count(*) from partition_claim where parked = 1 and released_applied = 1") == 2)
        #expect(try Verification.differences(on: world.database) == [])
        #expect(try worker.isRunning && world.ledgerCloses())
    }

    @Test func `what the command cannot do it says`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        func grow(_ topic: String, _ count: String) throws -> String {
            let command = try world.start("slipway", ["topics", "grow", topic, "--partitions", count])
            #expect(try command.exitCode(within: .seconds(90)) != 0)
            return command.output
        }
        #expect(try grow("nothing", "4").contains("no topic 'slipway.nothing'"))
        #expect(try grow("deployment.requests", "2").contains("can only be given more of them"))
        #expect(try world.number("select count(*) from topic_growth") == 0)
        // The embedded broker answers no admin request: nobody knows what became of it.
        #expect(try grow("deployment.requests", "4").contains("did not add the partitions"))
        #expect(try world.number("select partitions_after::bigint from topic_growth where ends is null") == 4)
        #expect(try audited(world) == ["begun", "failed"].map { "\($0): deployment.requests to 4 partitions" })
        try world.database.script("delete from topic_growth")
        try TopicGrowth(of: "deployment.requests", from: 1, to: 2).begin(on: world.database)
        #expect(try grow("deployment.requests", "4").contains("'--partitions 2' first"))
    }

    @Test func `a growth that was broken off is ended by the same command`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        try TopicGrowth(of: "deployment.requests", from: 1, to: 2).begin(on: world.database)
        try world.createProject("old1", on: 0)
        let command = try world.start(
            "slipway",
            ["topics", "grow", "deployment.requests", "--partitions", "2", "--metadata-age", "0"]
        )
        #expect(try command.exitCode() == 0, "\(command.output)")
        #expect(try world.number("select ends[1] from topic_growth") == 1)
        #expect(try audited(world) == ["done: deployment.requests to 2 partitions"])
    }

    /// What growths left in the audit log.
    private func audited(_ world: FleetWorld) throws -> [String] {
        try world.database.query(
            "select outcome || ': ' || subject_name from audit where operation = 'topics.grow' order by id"
        ).map { try $0.string(0) }
    }
}
