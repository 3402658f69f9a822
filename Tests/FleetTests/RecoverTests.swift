import Foundation
import Postgres
import TestSupport
import Testing

/// A restored database is refused until it is recovered, and then wins over what was seen before.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct RecoverTests {
    private static let jump: Int64 = 1 << 32
    private let world: FleetWorld

    init() throws {
        world = try FleetWorld(topics: EndToEndTests.topics, partitions: 1)
        try world.database.script(
            """
            insert into project (project, name, created_at) values ('p', 'p', now());
            insert into cluster (cluster, name, epoch, boot, sequence, created_at)
                values ('test', 'test', 3, gen_random_uuid(), 500, now()), ('new', 'new', 0, null, 0, now());
            insert into environment (project, environment, cluster, namespace, state, revision, created_at)
                values ('p', 'staging', 'test', 'shop', 'active', 2, now());
            insert into instance (environment_id, instance, application, cluster, namespace, desired_version, state,
                generation, running_generation, revision, changed_at)
                select id, 'web', 'web', 'test', 'shop', '1.0.0', 'running', 7, 7, 9, now() from environment;
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health, gone,
                revision, changed_at)
                values ('test', 'shop', 'Pod', 'there', 'v1', 'u1', 3, 5, 'healthy', false, 4, now()),
                ('test', 'shop', 'Pod', 'gone', 'v1', 'u2', 3, 6, 'missing', true, 4, now()),
                ('test', 'shop', 'Pod', 'unseen', 'v1', 'u3', 3, 7, 'missing', true, 0, now());
            insert into partition_claim (consumer_group, topic, partition, epoch, next_offset)
                values ('slipway.deployment-worker', 'deployment.requests', 0, 3, 0);
            update installation set system_identifier = '1';
            """
        )
    }

    private func published() throws -> [String] {
        try world.database.query(
            """
            select topic || ' ' || convert_from(key, 'UTF8') || case when value is null then ' gone' else '' end
            from outbox_message
            """
        ).map { try $0.string(0) }.sorted()
    }

    @Test func `a worker refuses a restored database, and starts after it was recovered`() throws {
        let refused = try world.start("timekeeper")
        #expect(try refused.exitCode() != 0)
        #expect(refused.output.contains("slipway recover"))
        let doctor = try world.start("slipway", ["doctor"])
        #expect(try doctor.exitCode() == 1)
        #expect(doctor.output.contains("it was restored from a back-up"), "\(doctor.output)")

        let recover = try world.start("slipway", ["recover", "--yes"])
        #expect(try recover.exitCode() == 0)
        #expect(recover.output.contains("recovered"), "\(recover.output)")
        for (sql, before) in [
            ("select revision from environment", 2), ("select revision from instance", 9),
            ("select generation from instance", 7), ("select revision from project", 1),
            ("select min(revision) from cluster", 1), ("select epoch from cluster where cluster = 'test'", 3),
            ("select epoch from partition_claim", 3), ("select min(epoch) from outbox_lease", 0),
            ("select revision from resource where name = 'there'", 4),
        ] as [(String, Int64)] {
            #expect(try world.number(sql) == before + Self.jump, "\(sql)")
        }
        #expect(
            try world.number("select epoch + sequence from cluster where cluster = 'new'") == Self.jump,
            "it may have spoken since the back-up"
        )
        #expect(try world.number("select sequence from cluster where cluster = 'test'") == 0)
        #expect(try world.number("select running_generation from instance") == 7, "what runs is what the cluster says")
        #expect(
            try published() == [
                "agent.commands.new new", "agent.commands.test test", "environment.status p/staging",
                "instance.status p/staging/web", "resource.status test/shop/Pod/gone gone",
                "resource.status test/shop/Pod/there",
            ]
        )
        #expect(try world.number("select count(*) from outbox_republish") == 0)

        let worker = try world.start("timekeeper")
        _ = try eventually("the worker works") { worker.output.contains("started") ? true : nil }
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }

    @Test func `a dump that is loaded into the same server is refused, until it is recovered`() throws {
        try world.database.script(
            "update installation set system_identifier = (select system_identifier::text from pg_control_system())"
        )
        #expect(try world.start("slipway", ["migrate"]).exitCode() == 0)
        #expect(try world.start("slipway", ["recover", "--yes"]).exitCode() != 0, "it is the one that is worked with")
        try world.database.script(
            """
            create table dumped as select * from installation;
            drop table installation;
            create table installation (like dumped);
            insert into installation select * from dumped;
            drop table dumped
            """
        )
        let refused = try world.start("timekeeper")
        #expect(try refused.exitCode() != 0)
        #expect(refused.output.contains("slipway recover"), "\(refused.output)")
        #expect(try world.start("slipway", ["recover", "--yes"]).exitCode() == 0)
        #expect(try world.number("select revision from environment") == 2 + Self.jump)
        let worker = try world.start("timekeeper")
        _ = try eventually("the worker works") { worker.output.contains("started") ? true : nil }
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }

    @Test func `what the brokers do not hold any more is said before anything is changed`() throws {
        let fine = try world.start("slipway", ["recover"])
        #expect(try fine.exitCode() != 0)
        #expect(!fine.output.contains("The brokers no longer hold"), "\(fine.output)")
        // The embedded broker keeps 5 MiB of a partition.
        for number in 1...8 {
            try world.send(
                "deployment.requests",
                key: "p",
                type: "slipway.project.update.v1",
                id: "\(number)",
                value: Array(repeating: 32, count: 1_000_000)
            )
        }
        let asked = try world.start("slipway", ["recover"])
        #expect(try asked.exitCode() != 0)
        let sentence = /no longer hold \d messages of 'deployment.requests' in 1 partition that this database has not/
        #expect(asked.output.contains(sentence), "\(asked.output)")
        #expect(try world.number("select revision from environment") == 2)
        let away = try world.start("slipway", ["recover", "--yes", "--kafka-brokers", "127.0.0.1:1"])
        #expect(try away.exitCode() == 0, "the database is what is recovered")
        #expect(away.output.contains("Nobody can say whether the brokers hold everything"), "\(away.output)")
    }

    @Test func `nothing is recovered twice, and nothing without a yes`() throws {
        let asked = try world.start("slipway", ["recover"])
        #expect(try asked.exitCode() != 0)
        #expect(try world.number("select revision from environment") == 2)
        #expect(try world.start("slipway", ["recover", "--yes"]).exitCode() == 0)
        let again = try world.start("slipway", ["recover", "--yes"])
        #expect(try again.exitCode() != 0)
        #expect(again.output.contains("nothing to recover"))
        #expect(try world.number("select revision from environment") == 2 + Self.jump)
        #expect(try world.start("slipway", ["recover", "--yes", "--force"]).exitCode() == 0)
        #expect(try world.number("select revision from environment") == 2 + 2 * Self.jump)
    }

    @Test(arguments: ["timekeeper", "outbox-relay", "deployment-worker"])
    func `a worker that finds another database after it was cut off ends and says why`(name: String) throws {
        try world.database.script(
            "update installation set system_identifier = (select system_identifier::text from pg_control_system())"
        )
        let worker = try world.start(name)
        _ = try eventually("the worker's session") { () throws -> Bool? in
            let count =
                "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            // One session renews the worker's row, the other is its lane's.
            return try world.number(count) > 1 ? true : nil
        }
        try world.database.script("update installation set timeline = timeline + 1")
        _ = try eventually("its end") {
            try world.database.script(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()
                """
            )
            return worker.isRunning ? nil : true
        }
        #expect(try worker.exitCode() != 0)
        #expect(worker.output.contains("slipway recover"))
    }
}
