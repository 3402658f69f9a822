import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// One bad message blocks its own key only.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
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

    /// What is said of a request that was rejected.
    private struct Rejection: Decodable {
        struct Request: Decodable { let id: String }
        struct Why: Decodable {
            let code: String
            let message: String
        }
        let request: Request
        let reason: Why
    }

    private func rejections(_ world: FleetWorld) throws -> [Rejection] {
        try world.messages(on: "deployment.results").filter { $0.header("ce_type") == "slipway.command.rejected.v1" }
            .map { try JSONDecoder().decode(Rejection.self, from: Data($0.valueBytes ?? [])) }
    }

    /// Has the database refuse every new row of a table.
    private func refuseRows(of table: String, in world: FleetWorld) throws {
        try world.database.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'this one is refused'; end $$;
            create trigger refuse before insert on \(table) for each row execute function refuse();
            """
        )
    }

    @Test func `requests for which there is no room behind a failed one are rejected, and the rest goes on`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try refuseRows(of: "project", in: world)
        _ = try world.start("outbox-relay")
        let limits = ["SLIPWAY_RETRY_ATTEMPTS": "100", "SLIPWAY_QUEUE_MESSAGES": "2"]
        _ = try world.start("deployment-worker", [], limits)
        func application(_ name: String, id: String) throws {
            try world.request("application.create", key: "bad", id: id, #"{"project":"bad","application":"\#(name)"}"#)
        }
        try world.request("project.create", key: "bad", id: "1", #"{"project":"bad"}"#)
        for number in 2...4 { try application("a\(number)", id: "\(number)") }
        try application("a3", id: "3")
        _ = try eventually("every message has an outcome") {
            try world.number("select coalesce(sum(consumed), 0)::bigint from partition_claim") == 5 ? true : nil
        }
        #expect(try world.number("select parked from partition_claim") == 2)
        #expect(try world.number("select rejected from partition_claim") == 2)
        #expect(try world.number("select repeated from partition_claim") == 1)
        _ = try eventually("two answers") { try rejections(world).count == 2 ? true : nil }

        try world.database.script("drop trigger refuse on project")
        _ = try eventually("the key goes on") {
            try world.number("select count(*) from command where state = 'succeeded'") == 2 ? true : nil
        }
        try application("a4", id: "4")
        try application("a4", id: "5")
        _ = try eventually("a new id is taken") {
            try world.number("select count(*) from command where state = 'succeeded'") == 3 ? true : nil
        }
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        let answers = try rejections(world)
        #expect(answers.map(\.request.id) == ["3", "4", "4"], "a repeat gets the same answer")
        #expect(Set(answers.map(\.reason.code)) == ["queue_full"])
        #expect(try world.number("select count(*) from application") == 2)
        #expect(try world.messages(on: "deployment.requests.dlt").isEmpty)
        #expect(try world.ledgerCloses())
        #expect(
            try world.number(
                "select parked - released_applied - released_rejected - released_repeated from partition_claim"
            ) == 0
        )
    }

    @Test func `a request whose repetition found no room has one end, which both are answered with`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try refuseRows(of: "project", in: world)
        _ = try world.start("outbox-relay")
        let limits = [
            "SLIPWAY_RETRY_ATTEMPTS": "3", "SLIPWAY_RETRY_MILLISECONDS": "500", "SLIPWAY_QUEUE_MESSAGES": "1",
        ]
        for _ in 1...2 { try world.request("project.create", key: "bad", id: "1", #"{"project":"bad"}"#) }
        _ = try world.start("deployment-worker", [], limits)
        _ = try eventually("the first one is tried again") {
            try world.number("select coalesce(sum(released_repeated), 0)::bigint from partition_claim") == 1
                ? true : nil
        }
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        #expect(try world.number("select rejected from partition_claim") == 1)
        #expect(try world.messages(on: "deployment.requests.dlt").isEmpty)
        #expect(try rejections(world).map(\.reason.code) == ["queue_full", "queue_full"])
        #expect(try world.number("select count(*) from command") == 0)
        #expect(try world.ledgerCloses())
    }

    @Test func `other content under a used id is told so, also where there is no room for it`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try refuseRows(of: "application", in: world)
        _ = try world.start("outbox-relay")
        _ = try world.start("deployment-worker", [], ["SLIPWAY_RETRY_ATTEMPTS": "100", "SLIPWAY_QUEUE_MESSAGES": "1"])
        try world.request("project.create", key: "shop", id: "1", #"{"project":"shop"}"#)
        try world.request("application.create", key: "shop", id: "2", #"{"project":"shop","application":"a"}"#)
        try world.request("project.create", key: "shop", id: "1", #"{"project":"shop","name":"Another"}"#)
        _ = try eventually("an answer") { try rejections(world).first }
        let answers = try rejections(world)
        #expect(answers.map(\.request.id) == ["1"])
        #expect(answers.map(\.reason.code) == ["id_reused"], "a second end of a request that has succeeded")
        #expect(try world.number("select count(*) from audit where reason_code = 'id_reused'") == 1)
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
        let rejections = try rejections(world)
        #expect(rejections.map(\.request.id) == ["1"])
        #expect(rejections.first?.reason.code == "internal_error")
        let offset = letters.first?.header("__connect.errors.offset") ?? "none"
        #expect(rejections.first?.reason.message.contains("'deployment.requests.dlt'") == true)
        #expect(rejections.first?.reason.message.contains("partition 0 and offset \(offset);") == true)
        #expect(try world.ledgerCloses())
    }
}
