import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// One bad message blocks its own key only.
@Suite(.timeLimit(.minutes(5)))
struct PoisonTests {
    @Test func `a poison message's key waits in order while the others go on`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try world.database.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'this one is refused'; end $$;
            create trigger refuse before insert on project for each row when (new.project = 'bad') execute function refuse();
            """
        )
        _ = try world.start("outbox-relay")
        _ = try world.start("deployment-worker", [], ["SLIPWAY_RETRY_ATTEMPTS": "100"])
        try world.request("project.create", key: "good1", id: "1", #"{"project":"good1"}"#)
        try world.request("project.create", key: "bad", id: "2", #"{"project":"bad"}"#)
        try world.request("application.create", key: "bad", id: "3", #"{"project":"bad","application":"web"}"#)
        try world.request("project.create", key: "good2", id: "4", #"{"project":"good2"}"#)
        _ = try eventually("the good ones went on") {
            try world.number("select count(*) from command where state = 'succeeded'") == 2 ? true : nil
        }
        _ = try eventually("both bad ones wait") {
            try world.number("select coalesce(sum(messages), 0)::bigint from parked_key") == 2 ? true : nil
        }
        try world.database.script("drop trigger refuse on project")
        _ = try eventually("the key was released in order") {
            try world.number("select count(*) from command where state = 'succeeded'") == 4 ? true : nil
        }
        _ = try eventually("nothing is parked") {
            try world.number("select count(*) from parked_key") == 0 ? true : nil
        }
        #expect(try world.number("select parked from partition_claim") == 2)
        #expect(try world.number("select released_applied from partition_claim") == 2)
        #expect(try world.ledgerCloses())
    }

    @Test func `a message that never works is dead-lettered with its reason and its key goes on`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try world.database.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'this one is refused'; end $$;
            create trigger refuse before insert on project for each row when (new.name = 'bad') execute function refuse();
            """
        )
        _ = try world.start("outbox-relay")
        _ = try world.start(
            "deployment-worker",
            [],
            ["SLIPWAY_RETRY_ATTEMPTS": "2", "SLIPWAY_RETRY_MILLISECONDS": "50"]
        )
        try world.request("project.create", key: "shop", id: "1", #"{"project":"shop","name":"bad"}"#)
        try world.request("project.create", key: "shop", id: "2", #"{"project":"shop"}"#)
        _ = try eventually("the key went on") {
            try world.number("select count(*) from command where state = 'succeeded'") == 1 ? true : nil
        }
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        let letters = try world.messages(on: "deployment.requests.dlt")
        #expect(letters.count == 1)
        #expect(letters.first?.header("kafka_dlt-original-topic") == "deployment.requests")
        #expect(letters.first?.header("__connect.errors.exception.message")?.contains("refused") == true)
        #expect(letters.first?.header("slipway-reason-code") == "database_refused")
        #expect(letters.first?.key == "shop")
        #expect(try world.ledgerCloses())
    }
}
