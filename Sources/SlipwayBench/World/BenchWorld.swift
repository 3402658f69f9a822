import Domain
import Foundation
import Kafka
import Postgres
import Processes
import WorkerRuntime

/// A durable database, a broker in a process of its own, and workers as processes: what a round is measured on.
final class BenchWorld {
    let folder = NSTemporaryDirectory() + "slipway-bench-\(UUID().uuidString.prefix(8))"
    let server: PostgresServer
    private(set) var children: [(name: String, process: ChildProcess)] = []
    /// Ends them where this process is ended before its time.
    private let guardian: ProcessGuard
    let url: String
    let database: PostgresConnection
    static let databaseName = "bench"
    /// The executable that runs the broker.
    static let brokerName = "slipway"
    /// Of each topic.
    static let partitions = 48
    let fleetKeyText = FleetKey.random()
    private(set) var brokers = ""
    private var walStart = 0.0

    private let stock: BenchStock
    /// How long the mock broker keeps a fetch that finds nothing; it answers none before, also when messages come.
    private let fetchWait: Int

    /// PostgreSQL's settings, where they differ from its defaults.
    nonisolated(unsafe) static var postgres = [
        "shared_buffers": "256MB", "max_wal_size": "4GB", "min_wal_size": "1GB", "checkpoint_timeout": "15min",
    ]

    /// Of the server of the newest world.
    nonisolated(unsafe) static var serverVersion: String?

    init(_ stock: BenchStock = BenchStock(), needsBroker: Bool = true, fetchWaitMilliseconds: Int = 5) throws {
        self.stock = stock
        fetchWait = fetchWaitMilliseconds
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755]
        )
        guardian = try ProcessGuard(removing: folder, after: folder + "/postgres")
        server = try PostgresServer(
            folder: folder + "/postgres",
            durable: true,
            isTemporary: true,
            settings: Self.postgres
        )
        url = try server.createDatabase(Self.databaseName)
        database = try PostgresConnection(PostgresConfiguration(url: url))
        Self.serverVersion = try database.query("show server_version").only().string(0)
        _ = try PostgresMigrator(fleetMigrations).migrate(database)
        try Installation.prepare(on: database)
        try fill()
        if needsBroker { try startBroker() }
    }

    deinit {
        stopProcesses()
        database.close()
        server.stop(.immediate)
        guardian.dismiss()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Has one process end, and waits for it.
    func end(_ id: Int32) throws {
        guard let child = children.first(where: { $0.process.id == id }) else { return }
        child.process.signal(SIGTERM)
        child.process.wait()
    }

    /// Has every worker end, and then the broker: a worker that cannot reach it would wait for it to leave its group.
    func stopProcesses() {
        let workers = children.filter { $0.name != Self.brokerName }
        for child in workers { child.process.signal(SIGTERM) }
        for child in workers { child.process.wait() }
        for child in children where child.name == Self.brokerName {
            child.process.signal(SIGTERM)
            child.process.wait()
        }
    }

    var fleetKey: FleetKey {
        get throws { try FleetKey(base64: fleetKeyText) }
    }
    /// The mock broker answers an empty fetch only when its wait is over, so the wait is short here.
    var kafka: KafkaSettings {
        var settings = KafkaSettings(bootstrapServers: brokers)
        settings.properties["fetch.wait.max.ms"] = String(fetchWait)
        return settings
    }

    /// One cluster, its environments and instances, and what is stored of its objects.
    private func fill() throws {
        try database.script(
            """
            insert into project values ('bench', 'bench', 1, now());
            insert into cluster (cluster, name, state, epoch, created_at) values ('bench', 'bench', 'connected', 1, now());
            insert into environment (project, environment, cluster, namespace, state, created_at)
                select 'bench', 'e' || n, 'bench', 'bench-' || n, 'active', now()
                from generate_series(0, \(stock.environments - 1)) n;
            insert into instance (environment_id, instance, application, cluster, namespace, desired_version, state, changed_at)
                select e.id, 'app-' || n, 'web', 'bench', e.namespace, '1.0.0', 'running', now()
                from environment e, generate_series(0, \(stock.instances / stock.environments - 1)) n;
            """
        )
        if stock.resources > 0 { try store() }
        // As autovacuum has done where tables have stood for a while: otherwise it looks through all that was just stored while
        // the clock runs.
        try database.script("vacuum (freeze, analyze)")
        try fillWriteAheadLog()
        walStart = try wal()
    }

    /// Has the server keep files of its write-ahead log to write into, as one that has run for a while does; a new one would
    /// write each file full of zeros first.
    private func fillWriteAheadLog() throws {
        for _ in 0..<40 { try database.script("select pg_logical_emit_message(true, 'bench', ''), pg_switch_wal()") }
        try database.script("checkpoint")
    }

    /// Stores objects that the round does not touch, in environments and of instances that it does not touch either.
    ///
    /// As in a real installation an instance has a few objects, however many there are of others.
    private func store() throws {
        let (each, instances) = (BenchStock.objectsOfInstance, BenchStock.instancesOfOther)
        try database.script(
            """
            insert into environment (project, environment, cluster, namespace, state, created_at)
                select 'bench', 's' || n, 'bench', 'stored-' || n, 'active', now()
                from generate_series(0, \((stock.resources - 1) / (each * instances))) n;
            insert into instance (environment_id, instance, application, cluster, namespace, desired_version, state,
                health, objects, changed_at)
                select e.id, 'app-' || n, 'web', 'bench', e.namespace, '1.0.0', 'running', 'healthy', \(each), now()
                from environment e, generate_series(0, \(instances - 1)) n where e.namespace like 'stored-%';
            insert into resource_stream (cluster, namespace, epoch, sequence, changed_at)
                select 'bench', namespace, 1, 1, now() from environment where namespace like 'stored-%';
            """
        )
        let object = ResourceLoad.Shape().object("stored", "stored", "app-0", 1, 2)
        _ = try database.query(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence, health,
                object, changed_at)
            select 'bench', 'stored-' || n / ($1 * $2), 'Deployment', 'stored-' || n, 'apps/v1', 'u' || n,
                'app-' || n / $1 % $2, 1, 0, 'healthy', $3::json, now()
            from generate_series(0, $4 - 1) n
            """,
            [.int64(Int64(each)), .int64(Int64(instances)), .text(object), .int64(Int64(stock.resources))]
        )
    }

    private func wal() throws -> Double {
        try database.query("select (pg_current_wal_lsn() - '0/0')::float8").only().double(0)
    }

    /// What was written to the write-ahead log since the world was filled.
    var walBytes: Double { ((try? wal()) ?? .nan) - walStart }

    /// Says so where a process has ended by itself: what it was to do would be waited for without end.
    private func requireProcesses() throws {
        for child in children {
            guard case .code(let code)? = child.process.ending, code != 0 else { continue }
            throw StartError("'\(child.name)' ended with exit code \(code) before its round was over.")
        }
    }

    /// How many messages were consumed.
    func consumed() throws -> Int {
        try requireProcesses()
        return Int(try database.query("select coalesce(sum(consumed), 0)::bigint from partition_claim").only().int64(0))
    }

    /// Whether everything that was decided is published; reads what was deleted as well, so it is asked at the end only.
    func isPublished() throws -> Bool {
        try requireProcesses()
        return try database.query("select not exists (select from outbox)").only().bool(0)
    }

    private func startBroker() throws {
        let file = folder + "/address"
        let partitions = String(Self.partitions)
        _ = try start(
            Self.brokerName,
            ["broker", "--cluster", "bench", "--partitions", partitions, "--address-file", file]
        )
        let end = Date().addingTimeInterval(20)
        while Date() < end {
            if let text = try? String(contentsOfFile: file, encoding: .utf8), !text.isEmpty {
                brokers = text.trimmingCharacters(in: .whitespacesAndNewlines)
                return
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
        throw StartError("The broker did not start.")
    }

    /// Starts an executable that lies beside this one.
    @discardableResult
    func start(_ name: String, _ arguments: [String] = [], _ more: [String: String] = [:]) throws -> Int32 {
        let executable = OwnExecutable.beside(name)
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            throw StartError("There is no '\(name)' beside slipway-bench; 'swift build -c release' makes it.")
        }
        let process = try ChildProcess(
            [executable] + arguments,
            environment: environment.merging(more) { $1 },
            output: .null
        )
        guardian.add(process)
        children.append((name, process))
        return process.id
    }

    /// Has each commit of sessions that begin from now on wait so long before it is flushed, as on a disk that takes longer
    /// for it; it costs no CPU.
    func delayCommits(milliseconds: Int) throws {
        try database.script(
            """
            alter database \(Self.databaseName) set commit_delay = \(milliseconds * 1000);
            alter database \(Self.databaseName) set commit_siblings = 0
            """
        )
    }

    /// How many workers have said that they live.
    func workersSeen() throws -> Int {
        try requireProcesses()
        return Int(try database.query("select count(*) from worker").only().int64(0))
    }

    /// Runs a program that is no part of Slipway until it ends; returns what it printed.
    func run(_ program: String, _ arguments: [String], _ more: [String: String]) throws -> (code: Int32, output: String)
    {
        let (ending, bytes) = try ChildProcess.output(
            of: [program] + arguments,
            environment: environment.merging(more) { $1 }
        )
        return (ending.shellCode, String(decoding: bytes, as: UTF8.self))
    }

    private var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging([
            "SLIPWAY_KAFKA_BROKERS": brokers, "SLIPWAY_DATABASE_URL": url, "SLIPWAY_FLEET_KEY": fleetKeyText,
            "SLIPWAY_LOG_LEVEL": "critical", "SLIPWAY_KAFKA_FETCH_WAIT_MAX_MS": String(fetchWait),
        ]) { $1 }
    }
}

/// What a world's database holds before a round begins.
struct BenchStock {
    /// How many objects an instance has that the round does not touch, and how many instances its environment.
    static let objectsOfInstance = 20
    static let instancesOfOther = 50

    var environments = ResourceLoad.Shape().namespaces
    var instances = ResourceLoad.Shape().namespaces * ResourceLoad.instancesPerNamespace
    /// Objects beside those that the round touches.
    var resources = 0
}
