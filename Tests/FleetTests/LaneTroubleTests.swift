import Foundation
import Postgres
import TestSupport
import Testing

/// Two troubles of a lane at once: what one of them leaves to be done fails for the other.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct LaneTroubleTests {
    @Test func `a fenced lane that cannot claim again at once claims later`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let worker = try world.start("deployment-worker")
        try world.request("project.create", key: "p1", id: "1", #"{"project":"p1"}"#)
        try waitForSuccesses(1, in: world)
        try world.database.script(
            """
            update partition_claim set epoch = epoch + 1;
            create sequence failed_claim;
            create function fail() returns trigger language plpgsql as $$
            begin
                if nextval('failed_claim') <= 2 then raise exception 'not now' using errcode = '40001'; end if;
                return new;
            end $$;
            create trigger fail before update of owner on partition_claim for each row execute function fail();
            """
        )
        try world.request("project.create", key: "p2", id: "2", #"{"project":"p2"}"#)
        try waitForSuccesses(2, in: world)
        #expect(try world.number("select last_value from failed_claim") == 3)
        #expect(worker.isRunning)
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
        #expect(try world.ledgerCloses())
    }

    @Test func `a message that cannot even be put behind the parked one of its key is put there in the end`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try world.database.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'this one is refused'; end $$;
            create trigger refuse before insert on project for each row execute function refuse();
            create sequence failed_park;
            create function fail() returns trigger language plpgsql as $$
            begin
                if nextval('failed_park') <= 5 then raise exception 'not now' using errcode = '40001'; end if;
                return new;
            end $$;
            create trigger fail before insert on parked_message for each row when (new.message_offset = 1)
                execute function fail();
            """
        )
        let worker = try world.start("deployment-worker", [], ["SLIPWAY_RETRY_ATTEMPTS": "100"])
        try world.request("project.create", key: "shop", id: "1", #"{"project":"shop"}"#)
        _ = try eventually("the first one is parked") {
            try world.number("select count(*) from parked_message") == 1 ? true : nil
        }
        try world.request("application.create", key: "shop", id: "2", #"{"project":"shop","application":"a"}"#)
        _ = try eventually("the second one waits behind it") {
            try world.number("select messages from parked_key") == 2 ? true : nil
        }
        try world.database.script("drop trigger refuse on project")
        try waitForSuccesses(2, in: world)
        #expect(try world.number("select count(*) from parked_key") == 0)
        #expect(worker.isRunning)
        #expect(try world.ledgerCloses())
    }

    private func waitForSuccesses(_ count: Int64, in world: FleetWorld) throws {
        _ = try eventually("\(count) commands") {
            try world.number("select count(*) from command where state = 'succeeded'") == count ? true : nil
        }
    }
}
