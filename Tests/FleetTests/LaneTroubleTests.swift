import Foundation
import Kafka
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

    @Test func `a topic that was made anew while the database has trouble is started anew later`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let first = try world.start("deployment-worker")
        try world.request("project.create", key: "p1", id: "1", #"{"project":"p1"}"#)
        try waitForSuccesses(1, in: world)
        first.signal(SIGTERM)
        #expect(try first.exitCode() == 0)
        try world.database.script(
            """
            update partition_claim set last_timestamp = 1;
            create sequence failed_restart;
            create function fail() returns trigger language plpgsql as $$
            begin
                if nextval('failed_restart') <= 2 then raise exception 'not now' using errcode = '40001'; end if;
                return new;
            end $$;
            create trigger fail before update of incarnation on partition_claim for each row execute function fail();
            """
        )
        let second = try world.start("deployment-worker")
        try world.request("project.create", key: "p2", id: "2", #"{"project":"p2"}"#)
        try waitForSuccesses(2, in: world)
        #expect(try world.number("select last_value from failed_restart") == 3)
        #expect(try world.number("select incarnation::bigint from partition_claim") == 2)
        #expect(try world.number("select repeated from partition_claim") == 1)
        #expect(second.isRunning)
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

    /// Refuses a project, and what the audit log is to say of it.
    private static let refuseAll = """
        create function refuse() returns trigger language plpgsql as $$
        begin raise exception 'this one is refused'; end $$;
        create trigger refuse before insert on project for each row when (new.project = 'bad') execute function refuse();
        create trigger refuse before insert on audit for each row when (new.project = 'bad') execute function refuse();
        """

    @Test func `what cannot be answered when it is given up is dead-lettered all the same`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try world.database.script(Self.refuseAll)
        let settings = ["SLIPWAY_RETRY_ATTEMPTS": "1", "SLIPWAY_RETRY_MILLISECONDS": "50"]
        let worker = try world.start("deployment-worker", [], settings)
        _ = try world.start("outbox-relay")
        try world.request("project.create", key: "bad", id: "bad", #"{"project":"bad"}"#)
        try world.request("project.create", key: "fine", id: "fine", #"{"project":"fine"}"#)
        try waitForSuccesses(1, in: world)
        let letters = try deadLetters(in: world)
        #expect(letters.map { $0.header("ce_id") } == ["bad"])
        #expect(try world.number("select count(*) from parked_key") == 0)
        #expect(try worker.isRunning && world.ledgerCloses())
    }

    @Test func `a key that is too long to be waited with is given up, and its worker goes on`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try world.database.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'this one is refused'; end $$;
            create trigger refuse before insert on audit for each row when (new.request_id = 'bad')
                execute function refuse();
            """
        )
        let worker = try world.start("deployment-worker")
        _ = try world.start("outbox-relay")
        // More than a page of an index holds, and no two parts of it alike.
        let key = (0..<3_000).map { String(($0 &* 2_654_435_761) % 0xFFFF, radix: 36) }.joined()
        try world.request("project.create", key: key, id: "bad", #"{"project":"bad"}"#)
        try world.request("project.create", key: "fine", id: "fine", #"{"project":"fine"}"#)
        try waitForSuccesses(1, in: world)
        #expect(try deadLetters(in: world).map { $0.header("ce_id") } == ["bad"])
        #expect(try world.number("select sum(parked)::bigint from partition_claim") == 0)
        #expect(worker.output.contains("54000"), "it was to be parked first")
        #expect(try worker.isRunning && world.ledgerCloses())
    }

    @Test func `a key with U+0000 in it is dead-lettered, and its worker goes on`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let worker = try world.start("deployment-worker")
        _ = try world.start("outbox-relay")
        try world.request("project.create", key: "shop\u{0}", id: "nul", #"{"project":"shop"}"#)
        try world.request("project.create", key: "fine", id: "fine", #"{"project":"fine"}"#)
        try waitForSuccesses(1, in: world)
        let letters = try deadLetters(in: world)
        #expect(letters.first?.header("slipway-reason-code") == "nul_character")
        #expect(worker.isRunning)
    }

    @Test func `a time that no database can hold is taken for now`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let worker = try world.start("release-worker")
        let producer = try KafkaProducer(world.kafka)
        for (number, time) in [Int64(1_800_000_000_000_000_000), 1_800_000_000_000_000, -5].enumerated() {
            let record = KafkaRecord(
                topic: world.prefix + "release.events",
                key: Array("k".utf8),
                value: Array("{}".utf8),
                timestampMilliseconds: time
            )
            try producer.send(record, tag: UInt64(number))
        }
        _ = try producer.flush(timeout: .seconds(20))
        producer.close()
        _ = try eventually("all three") {
            try world.number("select sum(dead_lettered)::bigint from partition_claim") == 3 ? true : nil
        }
        #expect(try world.number("select count(*) from partition_claim where consumed_until > now()") == 0)
        #expect(worker.isRunning)
    }

    @Test func `a parked message that ends its worker again and again is given up undecoded, and its key goes on`()
        throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try world.database.script(
            """
            create function stall() returns trigger language plpgsql as $$
            begin
                if new.name = 'deadly' then
                    if (select count(*) = 0 from parked_key) then raise exception 'not now'; end if;
                    perform pg_sleep(3600);
                end if;
                return new;
            end $$;
            create trigger stall before insert on project for each row execute function stall();
            """
        )
        let settings = ["SLIPWAY_RETRY_ATTEMPTS": "9", "SLIPWAY_RETRY_MILLISECONDS": "50"]
        try world.request("project.create", key: "p", id: "deadly", #"{"project":"p","name":"deadly"}"#)
        try world.request("project.create", key: "p", id: "behind", #"{"project":"p","name":"fine"}"#)
        for life: Int64 in 1...3 {
            let worker = try world.start("deployment-worker", [], settings)
            _ = try eventually("life \(life) in the midst of it", within: .seconds(90)) {
                try world.number("select coalesce(max(begun), 0)::bigint from parked_key") == life ? true : nil
            }
            worker.signal(SIGKILL)
            _ = try worker.exitCode()
        }
        _ = try world.start("outbox-relay")
        let worker = try world.start("deployment-worker", [], settings)
        try waitForSuccesses(1, in: world)
        let letters = try deadLetters(in: world)
        #expect(letters.map { $0.header("ce_id") } == ["deadly"])
        #expect(letters.first?.header("slipway-reason-code") == "worker_crashed")
        #expect(try worker.isRunning && world.ledgerCloses())
    }

    @Test func `a worker that is stopped while the database refuses everybody has not ended with a parked message`()
        throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        try world.database.script(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin
                if (select count(*) = 0 from parked_key) then raise exception 'this one is refused'; end if;
                raise exception 'not now' using errcode = 'disk_full';
            end $$;
            create trigger refuse before insert on project for each row execute function refuse();
            """
        )
        let settings = ["SLIPWAY_RETRY_ATTEMPTS": "2", "SLIPWAY_RETRY_MILLISECONDS": "50"]
        try world.request("project.create", key: "p", id: "1", #"{"project":"p"}"#)
        for life in 1...4 {
            let worker = try world.start("deployment-worker", [], settings)
            _ = try eventually("life \(life) in trouble", within: .seconds(90)) {
                worker.output.contains("a parked message is tried again later") ? true : nil
            }
            worker.signal(SIGTERM)
            #expect(try worker.exitCode() == 0)
        }
        try world.database.script("drop trigger refuse on project")
        _ = try world.start("deployment-worker", [], settings)
        try waitForSuccesses(1, in: world)
        #expect(try world.number("select released_applied from partition_claim") == 1)
        #expect(try world.ledgerCloses())
    }

    private func deadLetters(in world: FleetWorld) throws -> [KafkaMessage] {
        try eventually("the dead letter") {
            let letters = try world.messages(on: "deployment.requests.dlt")
            return letters.isEmpty ? nil : letters
        }
    }

    private func waitForSuccesses(_ count: Int64, in world: FleetWorld) throws {
        _ = try eventually("\(count) commands") {
            try world.number("select count(*) from command where state = 'succeeded'") == count ? true : nil
        }
    }
}
