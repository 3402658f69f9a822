import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What is stored is compared with what the ledger says.
@Suite struct VerificationTests {
    private let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        try world.report("acknowledged", of: try world.lastCommand())
        try world.ask("config-map.create", #""configMap":"settings","data":{"a":"b"}"#)
        try world.connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, next_offset, consumed, applied, parked)
            values ('g', 't', 0, 3, 3, 2, 1);
            """
        )
        try world.connection.script(
            """
            insert into parked_key (consumer_group, topic, partition, key, due, attempt, messages, bytes, reason_code, reason,
                parked_at)
            values ('g', 't', 0, 'key', now(), 1, 1, 0, 'x', 'y', now());
            insert into parked_message (consumer_group, topic, partition, message_offset, key, timestamp_kind, timestamp_ms,
                headers, parked_at)
            values ('g', 't', 0, 2, 'key', 1, 0, '', now())
            """
        )
    }

    @Test func `a fleet at work has no differences`() throws {
        #expect(try Verification.differences(on: world.connection) == [])
    }

    @Test func `a command that the timekeeper holds open while Slipway is behind is no difference`() throws {
        try world.connection.script("update command set deadline = now() - interval '10 minutes'")
        #expect(try Verification.differences(on: world.connection) == [])
        try world.connection.script("update command set deadline = now() - interval '13 minutes'")
        #expect(try !Verification.differences(on: world.connection).isEmpty)
    }

    @Test func `a rule takes as long as there is much to compare`() throws {
        try world.connection.script(
            """
            delete from command_step;
            create or replace function ledger_begins() returns timestamptz stable language plpgsql as $$
            begin perform pg_sleep(0.3); return '-infinity'; end $$
            """
        )
        var configuration = PostgresConfiguration(url: world.url)
        configuration.statementTimeout = .milliseconds(200)
        let hasty = try PostgresConnection(configuration)
        defer { hasty.close() }
        let found = try Verification.differences(on: hasty)
        #expect(found.contains { $0.says.hasPrefix("the ledger says nothing") }, "\(found)")
    }

    static let breaches: [(sql: String, rule: String)] = [
        ("update command set state = 'applied' where operation = 'instance.deploy'", "newest step that was not late"),
        ("update command set revision = revision + 1", "a command's revision"),
        (
            """
            insert into command_step (command, revision, state, at, worker)
            select id, revision + 1, 'failed', now(), 'x' from command where operation = 'instance.deploy';
            insert into command_step (command, revision, state, at, worker)
            select id, revision + 2, 'applied', now(), 'x' from command where operation = 'instance.deploy'
            """, "no terminal state is left"
        ),
        (
            "insert into command_step (command, revision, state, at, worker) values (gen_random_uuid(), 1, 'sent', now(), 'x')",
            "a step belongs to a command"
        ),
        ("update command set deadline = now() - interval '1 hour'", "long after its deadline"),
        ("update instance set open_command = null", "an instance's open command"),
        ("update instance set state = 'running'", "an instance is operating"),
        ("update instance set generation = 0", "an instance's generation"),
        ("update instance set running_generation = 7", "what runs was brought there"),
        ("update deployment set outcome = 'succeeded'", "a deployment ended as its command"),
        ("update environment_object set open_command = null", "an object's open command"),
        ("update partition_claim set applied = 1 where consumer_group = 'g'", "has one outcome"),
        ("delete from parked_message", "waits or was released"),
        ("update parked_key set messages = 2", "a key that waits counts"),
    ]

    @Test(arguments: breaches)
    func `a difference is found`(sql: String, rule: String) throws {
        try world.connection.script(sql)
        let found = try Verification.differences(on: world.connection)
        #expect(found.contains { $0.rule.contains(rule) }, "\(found)")
    }
}
