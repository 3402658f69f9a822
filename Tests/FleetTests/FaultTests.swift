import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// What befalls a fleet from outside, and what it keeps to all the same.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct FaultTests {
    private func waitForProjects(_ count: Int64, _ world: FleetWorld) throws {
        _ = try eventually("\(count) projects", within: .seconds(90)) {
            try world.number("select count(*) from project") == count ? true : nil
        }
    }

    @Test func `a message that ends its worker again and again is dead-lettered undecoded, and the rest goes on`()
        throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        world.hold("inTransaction")
        for name in ["deadly", "behind"] {
            try world.request("project.create", key: name, id: name, #"{"project":"\#(name)"}"#)
        }
        // Found without progress twice, the third one and the fourth mark the message before they take it.
        for _ in 1...4 {
            let worker = try world.start("deployment-worker", [], ["SLIPWAY_BATCH_COUNT": "1"])
            try world.waitUntilHeld(worker, at: "inTransaction")
            worker.signal(SIGKILL)
            _ = try worker.exitCode()
        }
        #expect(try world.number("select suspect_offset from partition_claim") == 0)
        world.letPass("inTransaction")
        _ = try world.start("outbox-relay")
        _ = try world.start("deployment-worker")
        try waitForProjects(1, world)
        #expect(try world.number("select count(*) from project where project = 'behind'") == 1)
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        let letters = try world.messages(on: "deployment.requests.dlt")
        #expect(letters.map { $0.header("ce_id") } == ["deadly"])
        #expect(letters.first?.header("slipway-reason-code") == "worker_crashed")
        #expect(try world.ledgerCloses())
    }

    @Test(arguments: ["disk_full", "lock_not_available", "insufficient_privilege"])
    func `while the disk is full or a table withheld nothing is given up, then all goes on`(trouble: String) throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let worker = try world.start("deployment-worker")
        try world.request("project.create", key: "before", id: "before", #"{"project":"before"}"#)
        try waitForProjects(1, world)
        try world.database.script(
            """
            create function trouble() returns trigger language plpgsql as $$
            begin raise exception 'not now' using errcode = '\(trouble)'; end $$;
            create trigger trouble before insert or update on partition_claim
                for each statement execute function trouble();
            """
        )
        for name in ["one", "two", "three"] {
            try world.request("project.create", key: name, id: name, #"{"project":"\#(name)"}"#)
        }
        // More often than a message may fail that is at fault itself.
        _ = try eventually("eight tries") {
            worker.output.components(separatedBy: "waiting for the database").count > 8 ? true : nil
        }
        try world.database.script("drop trigger trouble on partition_claim")
        try waitForProjects(4, world)
        #expect(try world.number("select sum(parked + dead_lettered)::bigint from partition_claim") == 0)
        #expect(!worker.output.contains("kept_failing"))
    }

    @Test func `a worker whose database is away for longer than its session keeps its partitions and goes on`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        let worker = try world.start("deployment-worker")
        try world.request("project.create", key: "before", id: "before", #"{"project":"before"}"#)
        try waitForProjects(1, world)
        let claimed = "select sum(epoch)::bigint from partition_claim"
        _ = try eventually("both partitions") {
            try world.number("select count(*) from partition_claim") == 2 ? true : nil
        }
        let epochs = try world.number(claimed)
        try world.database.script(
            """
            update pg_database set datallowconn = false where datname = current_database();
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
            """
        )
        try world.request("project.create", key: "during", id: "during", #"{"project":"during"}"#)
        let since = ContinuousClock.now
        _ = try eventually("two sessions") { ContinuousClock.now - since > .seconds(9) ? true : nil }
        #expect(worker.isRunning)
        try world.database.script("update pg_database set datallowconn = true where datname = current_database()")
        try waitForProjects(2, world)
        #expect(try world.number(claimed) == epochs, "nothing was claimed anew")
        #expect(!worker.output.contains("partitions lost"))
        #expect(try world.number("select count(*) from live_worker") == 1)
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }

    @Test func `workers whose database takes no writes for a while go on when it does`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let workers = try ["deployment-worker", "outbox-relay"].map { try world.start($0) }
        try world.request("project.create", key: "before", id: "before", #"{"project":"before"}"#)
        try waitForProjects(1, world)
        func alter(_ change: String) throws {
            let sql = "execute format('alter database %I \(change)', current_database())"
            try world.database.script("do $$ begin \(sql); end $$")
        }
        try alter("set default_transaction_read_only = on")
        try world.database.script(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
            """
        )
        try world.request("project.create", key: "during", id: "during", #"{"project":"during"}"#)
        for worker in workers {
            _ = try eventually("\(worker.name) has tried several times") {
                worker.output.components(separatedBy: "waiting for the database").count > 8 ? true : nil
            }
        }
        for worker in workers { #expect(worker.isRunning) }
        try world.database.script("update worker set seen_at = 'epoch'")
        try alter("reset default_transaction_read_only")
        try waitForProjects(2, world)
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        _ = try eventually("both say that they live") {
            try world.number("select count(*) from live_worker") == 2 ? true : nil
        }
        for worker in workers {
            worker.signal(SIGTERM)
            #expect(try worker.exitCode() == 0)
        }
    }

    @Test(arguments: [
        // Behind the end of the topic; and at a place that another message has now.
        "set next_offset = 1000, last_offset = 999, last_timestamp = 1",
        "set last_timestamp = 1",
    ])
    func `a topic that was made anew is read from its oldest message, and nothing is done twice`(change: String) throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let first = try world.start("deployment-worker")
        for number in 1...3 {
            try world.request("project.create", key: "p\(number)", id: "\(number)", #"{"project":"p\#(number)"}"#)
        }
        try waitForProjects(3, world)
        first.signal(SIGTERM)
        #expect(try first.exitCode() == 0)
        try world.database.script("update partition_claim \(change)")
        let second = try world.start("deployment-worker")
        try world.request("project.create", key: "p4", id: "4", #"{"project":"p4"}"#)
        try waitForProjects(4, world)
        #expect(try world.number("select incarnation::bigint from partition_claim") == 2)
        #expect(try world.number("select repeated from partition_claim") == 3)
        #expect(try world.number("select count(*) from command") == 4)
        #expect(second.output.contains("made anew"))
        #expect(try world.ledgerCloses())
    }

    @Test func `order per subject is kept across retries, rebalances and crashes`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        try world.database.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'this one is refused for a while'; end $$;
            create trigger refuse before insert on application for each row when (new.application = 'a7')
                execute function refuse();
            """
        )
        let settings = ["SLIPWAY_RETRY_ATTEMPTS": "100", "SLIPWAY_BATCH_COUNT": "5"]
        _ = try world.start("outbox-relay")
        let first = try world.start("deployment-worker", [], settings)
        try world.request("project.create", key: "shop", id: "shop", #"{"project":"shop"}"#)
        func send(_ numbers: ClosedRange<Int>) throws {
            for number in numbers {
                let body = #"{"project":"shop","application":"a\#(number)"}"#
                try world.request("application.create", key: "shop", id: "a\(number)", body)
            }
        }
        try send(1...15)
        _ = try eventually("a failure in the middle") {
            try world.number("select count(*) from parked_key") == 1 ? true : nil
        }
        let second = try world.start("deployment-worker", [], settings)
        try send(16...30)
        first.signal(SIGKILL)
        _ = try first.exitCode()
        try world.database.script("drop trigger refuse on application")
        try send(31...40)
        _ = try eventually("all of them", within: .seconds(90)) {
            try world.number("select count(*) from application") == 40 ? true : nil
        }
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        struct Result: Decodable {
            struct Request: Decodable { let id: String }
            let request: Request
            let state: String
        }
        var accepted: [String] = []
        for message in try world.messages(on: "deployment.results") where message.key == "shop" {
            let result = try JSONDecoder().decode(Result.self, from: Data(message.valueBytes ?? []))
            if result.state == "accepted", !accepted.contains(result.request.id) { accepted.append(result.request.id) }
        }
        #expect(accepted == ["shop"] + (1...40).map { "a\($0)" })
        #expect(try world.ledgerCloses())
        second.signal(SIGTERM)
        #expect(try second.exitCode() == 0)
    }
}
