import Logging
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What a message costs does not grow with what is stored of others: rows are reached by their keys.
@Suite struct KeyedReadTests {
    @Test func `a request looks only at the instances and objects that it is about`() throws {
        let world = try CommandWorld.ready()
        try plantInstances(world)
        // The newest: its number is behind those of all others.
        let message = world.message(
            "instance.deploy",
            key: "shop/staging",
            CommandWorld.deployment("1.0.0", instance: "other-2000")
        )
        let read = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let handler = CommandWorld.requests(world.fleetKey)
            #expect(try CommandWorld.run(handler, [message], in: transaction) == [.applied])
            return try RowsRead.count(of: ["instance", "environment_object"], in: transaction)
        }
        #expect((1..<100).contains(read))
    }

    @Test func `a request looks only at its own also where its statements were planned for empty tables`() throws {
        let world = try CommandWorld.ready()
        let lane = try PostgresConnection(PostgresConfiguration(url: world.url).forKeyedRows)
        let handler = CommandWorld.requests(world.fleetKey)
        func deploy(_ instance: String) throws -> Int64 {
            let body = CommandWorld.deployment("1.0.0", instance: instance)
            let message = world.message("instance.deploy", key: "shop/staging", body)
            return try lane.transaction { (transaction: borrowing PostgresTransaction) in
                #expect(try CommandWorld.run(handler, [message], in: transaction) == [.applied])
                return try RowsRead.count(of: ["instance", "environment", "environment_object"], in: transaction)
            }
        }
        try world.connection.script("alter table instance set (autovacuum_enabled = false)")
        _ = try deploy("first")
        try plantInstances(world, thenAnalyze: false)
        #expect(try (1..<100).contains(deploy("second")))
    }

    @Test func `an agent's report looks only at the instance of its command`() throws {
        let world = try CommandWorld.ready()
        try world.deploy()
        try plantInstances(world)
        let reports = CommandReports(fleetKey: world.fleetKey, keyRing: nil, logger: Logger(label: "test"))
        let command = try world.lastCommand()
        let read = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try reports.lock([command], in: transaction)
            return try RowsRead.count(of: ["instance"], in: transaction)
        }
        #expect((1..<100).contains(read))
    }

    @Test func `a hello looks only at those forced deletions that were ever asked for`() throws {
        let world = try CommandWorld.ready()
        try world.connection.script(
            """
            insert into command (id, operation, cluster, key, subject_kind, subject_name, state, revision, reason_code,
                caller, request_source, request_id, request_type, created_at, changed_at, deadline, step_seconds,
                settle_seconds, failure_seconds)
                select gen_random_uuid(), 'instance.delete', 'c1', 'shop/staging', 'instance', 'other-' || n,
                    'succeeded', 1, case n when 1 then 'not_removed_from_cluster' end, 'olga', '/portal', 'other-' || n,
                    'slipway.instance.delete.v1', now(), now(), now(), array[60, 300, 600], 10, 60
                from generate_series(1, 2000) n;
            analyze;
            set enable_seqscan = off;
            set plan_cache_mode = force_generic_plan
            """
        )
        let store = CommandStore(worker: "test")
        let (found, read) = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let found = try store.forcedDeletions(ofCluster: "c1", in: transaction)
            return (found.count, try RowsRead.count(of: ["command"], in: transaction))
        }
        #expect(found == 0, "it is of no instance")
        #expect((1..<100).contains(read))
    }

    @Test func `a late word of an environment looks only at the commands on environments`() throws {
        let world = try CommandWorld.ready()
        try world.connection.script(
            """
            insert into command (id, operation, environment_id, cluster, key, subject_kind, subject_name, generation, state,
                revision, caller, request_source, request_id, request_type, created_at, changed_at, deadline, step_seconds,
                settle_seconds, failure_seconds)
                select gen_random_uuid(), 'instance.deploy', id, 'c1', 'shop/staging', 'instance', 'other-' || n, n,
                    'succeeded', 1, 'olga', '/portal', 'other-' || n, 'slipway.instance.deploy.v1', now(), now(), now(),
                    array[60, 300, 600], 10, 60
                from environment, generate_series(1, 2000) n;
            analyze;
            set enable_seqscan = off;
            set plan_cache_mode = force_generic_plan
            """
        )
        let made = try world.connection.query("select id from command where operation = 'environment.create'")
        let id = try made.only().uuid(0)
        let read = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let commands = try CommandStore(worker: "test").lock([id], in: transaction)
            let command = try #require(commands[id])
            let environment = try #require(command.environmentID)
            // What was read before, to make and to find them.
            let before = try RowsRead.count(of: ["command"], in: transaction)
            try EnvironmentProgress(worker: "test").appliedLate(
                command,
                environment: environment,
                now: command.createdAt,
                outbox: OutboxBuffer(),
                in: transaction
            )
            return try RowsRead.count(of: ["command"], in: transaction) - before
        }
        #expect((0..<100).contains(read))
    }

    @Test func `the windows of a command look only at what is there of its instance`() throws {
        let world = try CommandWorld.ready()
        try world.deploy()
        try world.report("applied", of: try world.lastCommand(), #""objects":[]"#)
        try world.connection.script(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence, health, gone,
                changed_at)
                select cluster, namespace, kind, 'once-' || n, 'v1', 'u' || n, instance, 1, n, 'missing',
                    kind = 'Job' or n > 1, now()
                from instance, generate_series(1, 2000) n, unnest(array['Pod', 'Job']) kind;
            analyze;
            set enable_seqscan = off;
            set plan_cache_mode = force_generic_plan
            """
        )
        let instance = try world.connection.query("select id from instance").only().int64(0)
        let read = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try WindowRefresh.run(instances: [instance], now: 0, in: transaction)
            return try RowsRead.count(of: ["resource"], in: transaction)
        }
        #expect((1..<100).contains(read))
    }

    @Test func `a snapshot's end looks only at what is there`() throws {
        let world = try ResourceWorld()
        let kind = ResourcePlan.SnapshotKind(stream: StreamID(cluster: "c1", namespace: "shop"), kind: "Pod")
        let position = StreamPosition(epoch: 1, sequence: 2)
        let sweeps = [kind: ResourcePlan.Sweep(began: position, ended: position)]
        let store = ResourceStore()
        try world.connection.script(
            "analyze resource; set plan_cache_mode = force_generic_plan; set enable_seqscan = off"
        )
        // Planned while the table was empty.
        try world.connection.transaction { transaction in _ = try store.sweep(sweeps, now: 0, in: transaction) }
        try world.connection.script(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health, gone, changed_at)
                select 'c1', 'shop', kind, 'once-' || n, 'v1', 'u' || n, 1, 1, 'missing', kind = 'Pod' and n > 1, now()
                from generate_series(1, 2000) n, unnest(array['Pod', 'Job']) kind
            """
        )
        let (swept, read) = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let swept = try store.sweep(sweeps, now: 0, in: transaction)
            return (swept.map(\.id.name), try RowsRead.count(of: ["resource"], in: transaction))
        }
        #expect(swept == ["once-1"])
        #expect((1..<100).contains(read))
    }

    /// Instances that nobody speaks of, and a session as lanes have it.
    private func plantInstances(_ world: CommandWorld, thenAnalyze: Bool = true) throws {
        try world.connection.script(
            """
            insert into instance (environment_id, instance, application, cluster, namespace, desired_version, state, changed_at)
                select id, 'other-' || n, 'web', cluster, namespace, '1.0.0', 'running', now()
                from environment, generate_series(1, 2000) n;
            set enable_seqscan = off;
            set plan_cache_mode = force_generic_plan
            """
        )
        if thenAnalyze { try world.connection.script("analyze") }
    }

    @Test func `an object is read by its key, also where the table was empty when the statement was planned`() throws {
        let world = try ResourceWorld()
        let stream = StreamID(cluster: "east", namespace: "many")
        let wanted = ["app-1", "app-1000", "none"].map { ResourceID(stream: stream, kind: "Deployment", name: $0) }
        try world.connection.script(
            "analyze resource; set plan_cache_mode = force_generic_plan; set enable_seqscan = off"
        )
        let store = ResourceStore()
        try world.connection.transaction { transaction in _ = try store.states(of: wanted, in: transaction) }
        try world.connection.script(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health, changed_at)
                select 'east', 'many', 'Deployment', 'app-' || n, 'apps/v1', 'u' || n, 1, n, 'healthy', now()
                from generate_series(1, 2000) n
            """
        )
        let (states, read) = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let states = try store.states(of: wanted, in: transaction)
            return (states, try RowsRead.count(of: ["resource"], in: transaction))
        }
        #expect(states.map { $0?.uid } == ["u1", "u1000", nil])
        #expect((2..<10).contains(read))
    }
}
