import Foundation
import Logging
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What is looked for among many others, the name that is taken or the newest of its kind, is found by an index.
@Suite struct KeyedLookUpTests {
    private let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    /// Stores what nobody speaks of, in a session as lanes have it.
    private func plant(_ sql: String) throws {
        try world.connection.script(
            sql + "; analyze; set enable_seqscan = off; set random_page_cost = 1.1;"
                + "set plan_cache_mode = force_generic_plan"
        )
    }

    /// How many rows of tables the transaction of a message reads.
    private func read(
        of tables: String...,
        by body: (borrowing PostgresTransaction) throws -> Void
    ) throws -> Int64 {
        try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let before = try RowsRead.count(of: tables, in: transaction)
            try body(transaction)
            return try RowsRead.count(of: tables, in: transaction) - before
        }
    }

    @Test func `a new object looks only at what has placed its names`() throws {
        try plant(
            """
            insert into environment_object (environment_id, kind, name, spec, placed, state, created_at, changed_at,
                changed_by)
                select id, 'config-map', 'other-' || n, '{}', jsonb_build_array(
                        jsonb_build_object('apiVersion', 'v1', 'kind', 'ConfigMap', 'name', 'other-' || n),
                        jsonb_build_object('apiVersion', 'v1', 'kind', 'ConfigMap', 'name', 'more-' || n)),
                    'running', now(), now(), 'test'
                from environment, generate_series(1, 2000) n;
            insert into application (project, application, artifact, created_at)
                select 'shop', 'other-' || n, 'other-' || n, now() from generate_series(1, 2000) n
            """
        )
        let message = world.message(
            "config-map.create",
            key: "shop/staging",
            CommandWorld.body(#""configMap":"web","data":{"color":"red"}"#)
        )
        let read = try read(of: "environment_object", "application") { (transaction: borrowing PostgresTransaction) in
            let handler = CommandWorld.requests(world.fleetKey)
            let outcomes = try CommandWorld.run(handler, [message], in: transaction)
            #expect(outcomes == [.applied])
        }
        #expect((1..<100).contains(read))
        // And what has placed one of its names is found, whatever it is called itself.
        let taken = try world.refusal("config-map.create", #""configMap":"more-7","data":{"color":"red"}"#)
        #expect(taken == "name_taken configMap")
    }

    @Test func `an application's registry looks only at what has placed its secret`() throws {
        try plant(
            """
            insert into environment_object (environment_id, kind, name, spec, placed, state, created_at, changed_at,
                changed_by)
                select id, 'secret', 'other-' || n, '{}', jsonb_build_array(
                        jsonb_build_object('apiVersion', 'v1', 'kind', 'Secret', 'name', 'other-' || n)),
                    'running', now(), now(), 'test'
                from environment, generate_series(1, 2000) n;
            insert into environment_object (environment_id, kind, name, spec, placed, state, created_at, changed_at,
                changed_by)
                select id, 'secret', 'mine', '{}', jsonb_build_array(jsonb_build_object('apiVersion', 'v1', 'kind',
                        'Secret', 'name', 'taken\(ApplicationCredentials.registrySuffix)')),
                    'running', now(), now(), 'test'
                from environment
            """
        )
        let read = try read(of: "environment_object") { (transaction: borrowing PostgresTransaction) in
            try ObjectOwner.checkFree(registryOf: "web", in: "shop", transaction)
        }
        #expect((0..<100).contains(read))
        #expect(throws: Reason.self) {
            try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
                try ObjectOwner.checkFree(registryOf: "taken", in: "shop", transaction)
            }
        }
    }

    @Test func `a change of an object finds its instance's command by its id, whatever else is on its way`() throws {
        try world.deploy()
        let lane = try PostgresConnection(PostgresConfiguration(url: world.url).forKeyedRows)
        let instance = try world.connection.query("select id from instance").only().int64(0)
        func refresh() throws -> Int64 {
            try lane.transaction { (transaction: borrowing PostgresTransaction) in
                try WindowRefresh.run(instances: [instance], now: 0, in: transaction)
                return try RowsRead.count(of: ["command"], in: transaction)
            }
        }
        try world.connection.script("alter table command set (autovacuum_enabled = false)")
        _ = try refresh()
        try world.connection.script(Self.commands(of: "null", "object_id", state: "applied"))
        #expect(try (1..<100).contains(refresh()))
    }

    @Test func `an Event looks only at those of its instance`() throws {
        try plant(
            """
            insert into cluster_event (cluster, namespace, uid, instance, kind, name, type, reason, message, count,
                first_time, last_time)
                select 'c1', 'shop-staging', 'u' || n, case when n % 100 > 0 then 'other-' || n % 100 end, 'Pod', 'p',
                    'Warning', 'BackOff', 'm', 1, now(), now() - n * interval '1 second'
                from generate_series(1, 4000) n;
            insert into cluster_event (cluster, namespace, uid, instance, kind, name, type, reason, message, count,
                first_time, last_time)
                select 'c1', 'shop-staging', i || n, nullif(i, 'none'), 'Pod', 'p', 'Warning', 'BackOff', 'm', 1, now(),
                    now() - interval '1 day' - n * interval '1 second'
                from unnest(array['web', 'none']) i, generate_series(1, 100) n
            """
        )
        let events = Dictionary(uniqueKeysWithValues: [Self.event("new", "web"), Self.event("newer", nil)])
        let read = try read(of: "cluster_event") { (transaction: borrowing PostgresTransaction) in
            try OutputStore().write(events, now: 0, in: transaction)
        }
        #expect((1..<800).contains(read))
        func kept(_ condition: String) throws -> [String] {
            try world.connection.query(
                "select count(*) || ' ' || max(uid) from cluster_event where \(condition)"
            ).map { try $0.string(0) }
        }
        #expect(try kept("instance = 'web'") == ["100 web99"])
        #expect(try kept("instance is null and uid = 'newer'") == ["1 newer"])
        #expect(try kept("instance is null") == ["100 u900"])
        #expect(try kept("instance = 'other-1'") == ["40 u901"])
    }

    @Test func `a release looks only at the newest versions of its artifact`() throws {
        try plant(
            """
            insert into version (artifact, version, chart_repository, chart_name, event_source, event_id, recorded_at)
                select artifact, '1.' || n || '.0', 'oci://r.example/shop', artifact, '/ci', 'e', now()
                from generate_series(2, 2000) n, unnest(array['web', 'api']) artifact
            """
        )
        let release = Release(artifact: "api", version: "2.0.0", image: "r.example/shop/api:2.0.0")
        let input = ReleaseInput(
            content: .success(release),
            unavailable: nil,
            source: "/ci",
            id: "e",
            trace: nil,
            digest: []
        )
        let read = try read(of: "version") { (transaction: borrowing PostgresTransaction) in
            _ = try VersionStore().record(release, of: input, now: 0, in: transaction)
        }
        #expect((1..<100).contains(read))
    }

    @Test func `a release looks only at the rules of its application`() throws {
        try plant(
            """
            insert into auto_deploy_rule (environment_id, application, instance, creator, created_at, name)
                select id, case n when 1 then 'web' else 'other' end, 'i-' || n, 'olga', now(), 'rule-' || n
                from environment, generate_series(1, 2000) n
            """
        )
        let read = try read(of: "auto_deploy_rule") { (transaction: borrowing PostgresTransaction) in
            try AutoDeployStore().lockEnvironments(of: ["web"], in: transaction)
            let rules = try AutoDeployStore().rules(for: "web", in: transaction)
            #expect(rules.map(\.instance) == ["i-1"])
        }
        #expect((1..<100).contains(read))
    }

    @Test func `a command on an object or an instance looks only at the newest before it`() throws {
        try world.deploy()
        try world.make("config-map.create", #""configMap":"web","data":{"color":"red"}"#)
        let object = try world.connection.query("select id from environment_object").only().int64(0)
        let deployed = "select \(CommandStore.columns) from command where operation = 'instance.deploy'"
        var command = try Command(world.connection.query(deployed).only())
        command.generation = 5_000
        try plant(
            Self.commands(of: "(select id from environment_object)", "object_id", state: "failed")
                + ";" + Self.commands(of: "(select id from instance)", "instance_id", state: "succeeded")
                    + """
                    ;insert into object_attempt (command, object_id, generation)
                        select id, object_id, generation from command where object_id is not null
                        order by generation desc limit 1;
                    update deployment set outcome = 'succeeded'
                    """
        )
        let read = try read(of: "command") { (transaction: borrowing PostgresTransaction) in
            let hasFailed = try ObjectAttempts.haveFailed(object, in: transaction)
            let newest = try DeploymentHistory.newest(before: command, in: transaction)
            #expect(hasFailed && newest?.version == "1.0.0")
        }
        #expect((1..<100).contains(read))
    }

    @Test func `a hello looks only at what had drifted`() throws {
        try plant(
            """
            insert into instance (environment_id, instance, application, cluster, namespace, desired_version, state,
                changed_at)
                select id, 'other-' || n, 'web', cluster, namespace, '1.0.0', 'running', now()
                from environment, generate_series(1, 2000) n;
            insert into environment_object (environment_id, kind, name, spec, state, created_at, changed_at, changed_by)
                select id, 'config-map', 'other-' || n, '{}', 'running', now(), now(), 'test'
                from environment, generate_series(1, 2000) n;
            update instance set drift = '[]' where instance = 'other-7';
            update environment_object set drift = '[]' where name = 'other-7'
            """
        )
        let reports = DriftReports()
        let read = try read(of: "instance", "environment_object") { (transaction: borrowing PostgresTransaction) in
            try reports.forget(cluster: "c1", Batch([], now: 0), in: transaction)
        }
        #expect((2..<100).contains(read))
        let left = "select (select count(drift) from instance) + (select count(drift) from environment_object)"
        #expect(try world.connection.query(left).only().int64(0) == 0)
    }

    /// A new Event of an instance, or of none.
    private static func event(_ uid: String, _ instance: String?) -> (OutputStore.EventID, KubernetesEvent) {
        let id = OutputStore.EventID(cluster: "c1", namespace: "shop-staging", uid: uid)
        let event = KubernetesEvent(
            namespace: "shop-staging",
            kind: "Pod",
            name: "p",
            instance: instance,
            type: "Warning",
            reason: "BackOff",
            message: "m",
            count: 1,
            firstTime: "2026-11-25T10:00:00Z",
            lastTime: "2100-11-25T10:00:00Z",
            uid: uid
        )
        return (id, event)
    }

    /// SQL that stores many commands on one row of a table, or on none.
    private static func commands(of row: String, _ column: String, state: String) -> String {
        """
        insert into command (id, operation, environment_id, \(column), cluster, key, subject_kind, subject_name,
            generation, state, revision, caller, request_source, request_id, request_type, created_at, changed_at,
            deadline, step_seconds, settle_seconds, failure_seconds)
            select gen_random_uuid(), 'test', id, \(row), 'c1', 'shop/staging', 'test', 'x', 10 + n, '\(state)', 1,
                'olga', '/portal', 'other-' || n, 'test', now(), now(), now() + interval '1 day',
                array[60, 300, 600], 10, 60
            from environment, generate_series(1, 2000) n
        """
    }
}
