import Domain
import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// Kafka is gone for longer than producers keep messages: an hour in an operator's fleet, two seconds here.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct BrokerAwayTests {
    @Test func `what an agent could not tell while Kafka was gone is told when it is back, and the deploy goes on`()
        throws
    {
        let fleet = EndToEndTests()
        let (world, agent) = try fleet.makeFleet { world in
            world.environment["SLIPWAY_KAFKA_MESSAGE_TIMEOUT_MS"] = "2000"
            world.environment["SLIPWAY_KAFKA_SOCKET_TIMEOUT_MS"] = "2000"
        }
        try fleet.release("1.0.0", world)
        try fleet.waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try fleet.deploy(world)
        _ = try eventually("the work begins", within: .seconds(60)) {
            agent.output.contains("release") && agent.output.contains(" begins ") ? true : nil
        }
        try world.broker.setBrokerDown()
        _ = try eventually("messages that were given up", within: .seconds(60)) {
            agent.output.contains("a message did not arrive") ? true : nil
        }
        try world.broker.setBrokerUp()
        try fleet.waitFor("it runs", world, "select count(*) from instance where state = 'running'", 1)
        try fleet.waitFor("an empty outbox", world, "select count(*) from outbox", 0)
        let pods = "select count(*) from resource where kind = 'Pod' and not gone and ready"
        try fleet.waitFor("its pod", world, pods, 1)
        #expect(try world.number("select count(*) from command where state in ('failed', 'timed_out')") == 0)
        #expect(try world.ledgerCloses())
        #expect(try Verification.differences(on: world.database) == [])
        #expect(agent.isRunning)
    }

    @Test func `a worker whose fetch hangs does not say that it has read what was written meanwhile`() throws {
        let world = try FleetWorld(topics: ["deployment.requests", "deployment.results"], partitions: 1)
        let worker = try world.start("deployment-worker")
        _ = try eventually("its partition is read to its end") {
            try world.number("select count(*) from partition_claim where consumed_until is not null") == 1 ? true : nil
        }
        try world.broker.pushRequestDelay(.fetch, .seconds(60))
        _ = try eventually("it asks where the partition ends, and is not told") {
            worker.output.contains("whether partitions have ended is asked later") ? true : nil
        }
        try world.request("project.create", key: "p", id: "1", #"{"project":"p"}"#)
        try world.database.script("create table written as select clock_timestamp() as at")
        let unread = "select count(*) from partition_claim, written where consumed_until > at and next_offset = 0"
        _ = try eventually("the request, when the fetch is given up") {
            #expect(try world.number(unread) == 0)
            return try world.number("select count(*) from project") == 1 ? true : nil
        }
        let caughtUp = "select count(*) from partition_claim, written where consumed_until > at"
        _ = try eventually("it says again that it has read all") { try world.number(caughtUp) == 1 ? true : nil }
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }

    @Test func `a worker whose broker is away goes on by itself, and ends when it is asked to`() throws {
        let world = try FleetWorld(topics: ["deployment.requests", "deployment.results"], partitions: 4)
        world.environment["SLIPWAY_LOG_LEVEL"] = "debug"
        let worker = try world.start("deployment-worker")
        _ = try eventually("every partition is read to its end") {
            try world.number("select count(*) from partition_claim where consumed_until is not null") == 4 ? true : nil
        }
        try world.broker.setBrokerDown()
        _ = try eventually("it gives up to ask, and asks again later") {
            worker.output.contains("whether partitions have ended is asked later") ? true : nil
        }
        try world.broker.setBrokerUp()
        try world.database.script("create table back as select clock_timestamp() as at")
        let caughtUp = "select count(*) from partition_claim where consumed_until > (select at from back)"
        _ = try eventually("its partitions are read to their ends again") {
            try world.number(caughtUp) == 4 ? true : nil
        }
        try world.broker.setBrokerDown()
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }
}
