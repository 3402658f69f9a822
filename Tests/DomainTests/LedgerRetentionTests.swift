import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Old commands are forgotten with what belongs to them; what something still goes by stays.
@Suite struct LedgerRetentionTests {
    private let connection: PostgresConnection

    init() throws {
        connection = try TestDatabase.connect(try TestDatabase.make())
        try connection.script(
            """
            insert into project values ('p', 'p', 1, now());
            insert into cluster (cluster, name, created_at) values ('c', 'c', now());
            insert into environment (project, environment, cluster, namespace, state, created_at)
                values ('p', 'staging', 'c', 'n', 'active', now());
            insert into instance (environment_id, instance, application, cluster, namespace, desired_version, state, changed_at)
                select id, name, 'web', 'c', 'n', '1', case name when 'old' then 'deleted' else 'failed' end, now()
                from environment, unnest('{web,old,young}'::text[]) name;
            insert into environment_object (environment_id, kind, name, spec, state, created_at, changed_at, changed_by)
                select id, 'config-map', 'settings', '{}', 'running', now(), now(), 'x' from environment;
            insert into auto_deploy_rule (environment_id, application, instance, creator, created_at)
                select id, 'web', 'web', 'root', now() from environment;
            """
        )
    }

    /// Writes down a command that ended so many days ago, with a step, and with a deployment where it is one.
    private func command(
        _ kind: String,
        _ name: String,
        _ generation: Int,
        _ operation: String = "instance.deploy",
        _ state: String = "succeeded",
        daysAgo: Int = 500
    ) throws {
        try connection.script(
            """
            insert into command (id, operation, environment_id, instance_id, object_id, cluster, key, subject_kind, subject_name,
                project, environment, generation, state, revision, caller, request_source, request_id, request_type,
                created_at, changed_at, deadline, step_seconds, settle_seconds, failure_seconds)
            select gen_random_uuid(), '\(operation)', e.id, i.id, o.id, 'c', 'p/staging', '\(kind)', '\(name)', 'p', 'staging',
                \(generation), '\(state)', 4, 'root', '/portal', '1', 'x', now() - interval '\(daysAgo) days', now() - interval '\(daysAgo) days', now(),
                '{60,300,600}', 10, 60
            from environment e
            left join instance i on '\(kind)' = 'instance' and i.instance = '\(name)'
            left join environment_object o on '\(kind)' = 'config-map' and o.name = '\(name)';
            insert into command_step (command, revision, state, at, worker)
                select id, 4, state, changed_at, 'x' from command on conflict do nothing;
            insert into stage (command, name) select id, 'migrate' from command on conflict do nothing;
            insert into deployment (instance_id, generation, command, operation, version, desired, caller, created_at, outcome)
                select instance_id, generation, id, operation, '1', '{}', caller, changed_at, state
                from command where operation = 'instance.deploy' on conflict do nothing;
            """
        )
    }

    /// What is kept: names with the generations of their commands.
    private func kept(in tables: String = "command") throws -> [String: [Int64]] {
        var kept: [String: [Int64]] = [:]
        for row in try connection.query("select subject_name, generation from \(tables) order by generation") {
            kept[try row.string(0), default: []].append(try row.int64(1))
        }
        return kept
    }

    private func count(_ table: String) throws -> Int64 {
        try connection.query("select count(*) from \(table)").only().int64(0)
    }

    @Test func `what nothing goes by is forgotten, with its steps, stages and deployments`() throws {
        for generation in 1...25 { try command("instance", "web", generation) }
        try command("instance", "web", 26, "instance.restart", "failed")
        try command("instance", "web", 27, "instance.restart", "timed_out")
        try connection.script(
            """
            update instance set running_generation = 4, generation = 27 where instance = 'web';
            update auto_deploy_rule set last_command = (select id from command where generation = 2)
            """
        )
        try command("instance", "young", 1, daysAgo: 10)
        try command("instance", "young", 2, "instance.restart", daysAgo: 10)
        try command("config-map", "settings", 1, "config-map.update")
        try command("config-map", "settings", 2, "config-map.update")
        try command("environment", "staging", 1, "environment.create")
        try command("container", "logs", 1, "container.logs", "canceled")
        try command("container", "logs", 2, "container.logs", "applied")
        let before = Set(try Verification.differences(on: connection))

        #expect(try LedgerRetention().round(on: connection) == 6)
        // 20 deployments to go back to, what runs, the rule's newest firing and the newest command.
        #expect(try kept()["web"] == [2, 4] + Array(6...25) + [27])
        #expect(try kept()["young"] == [1, 2] && kept()["settings"] == [2])
        #expect(try kept()["staging"] == [1] && kept()["logs"] == [2])
        // Steps go with their month, also those of commands that stay.
        #expect(try kept(in: "command_step s join command c on c.id = s.command") == ["young": [1, 2]])
        #expect(try count("command_step") == 2 && count("stage") == count("command"))
        #expect(try count("deployment") == 23)
        #expect(try Set(Verification.differences(on: connection)).subtracting(before).isEmpty)
    }

    @Test func `of a deleted instance its end stays, and no deployment of its former life comes back`() throws {
        try command("instance", "old", 1)
        try command("instance", "old", 2, "instance.delete")
        try command("instance", "old", 3)
        try command("instance", "old", 4, "instance.delete")
        let retention = LedgerRetention(chunk: 1, interval: .zero)
        // One at a time, in turns; the first end goes in the second turn, when nothing lies before it any more.
        #expect(try (1...12).reduce(0) { count, _ in try count + retention.round(on: connection) } == 3)
        #expect(try kept()["old"] == [4])
    }

    @Test func `what stays keeps no round from what lies behind it`() throws {
        for number in 1...5 { try command("environment", "e\(number)", 1, "environment.create", daysAgo: 600) }
        try command("container", "logs", 1, "container.logs", "canceled")
        let retention = LedgerRetention(chunk: 2)
        #expect(try (1...4).map { _ in try retention.round(on: connection) } == [0, 0, 1, 0])
        // All was looked at: the next turn is a day later.
        try command("container", "logs", 2, "container.logs", "canceled")
        #expect(try retention.round(on: connection) == 0)
        #expect(try kept()["logs"] == [2])
    }

    @Test func `a command waits for its newest step's month to be over, and no step is deleted by itself`() throws {
        try command("container", "logs", 1, "container.logs", "canceled", daysAgo: 450)
        try command("container", "logs", 2, "container.logs")
        try connection.script(
            """
            insert into command_step (command, revision, state, late, at, worker)
                select id, 5, 'applied', true, now(), 'x' from command where generation = 1;
            update command set revision = 5 where generation = 1;
            create function refuse() returns trigger language plpgsql as $$ begin raise 'a step was deleted'; end $$;
            do $$ begin while keep_partitions('command_step', 3, '10 years') > 0 loop end loop; end $$;
            create trigger deleted before delete on command_step for each row execute function refuse()
            """
        )
        // The rows made up here do not agree in everything; what is forgotten makes it no worse.
        let before = try Set(Verification.differences(on: connection).map { "\($0)" })
        #expect(try LedgerRetention().round(on: connection) == 1)
        #expect(try kept()["logs"] == [1])
        #expect(try kept(in: "command_step s join command c on c.id = s.command") == ["logs": [1]])
        #expect(try before.isSuperset(of: Verification.differences(on: connection).map { "\($0)" }))
    }

    @Test func `as long as the inbox knows a request its command is kept`() {
        #expect(Duration.seconds(86_400) * LedgerRetention.fewestDays > InboxReach.kept)
    }

    @Test func `a deletion stays as long as deployments lie before it`() throws {
        try command("instance", "old", 1, daysAgo: 300)
        try command("instance", "old", 2, "instance.delete")
        try command("instance", "old", 3, "instance.deploy", daysAgo: 90)
        #expect(try LedgerRetention().round(on: connection) == 0)
        #expect(try LedgerRetention(days: 200).round(on: connection) == 1)
        #expect(try LedgerRetention(days: 200).round(on: connection) == 1)
        #expect(try kept()["old"] == [3])
    }
}
