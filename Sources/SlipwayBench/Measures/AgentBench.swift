import Domain
import Foundation
import Identity
import Kafka
import Postgres
import WorkerRuntime

/// What a cluster's agent costs beside 2,000 objects: while nothing changes, and while they change one after the other.
///
/// The agent is the real one, the API server is the benchmark's own, and the fleet stores what the agent tells.
enum AgentBench {
    private static let cluster = "bench"
    private static let count = 2000
    private static let rate = 200

    /// A fleet with a registered cluster and an API server beside it; whoever takes them stops the server.
    private static func prepare(_ count: Int) throws -> (BenchWorld, BenchObjects, BenchAPIServer) {
        guard let helm = helm() else {
            throw NotMeasured(
                sentence: "not measured: the agent; it needs helm 4, and there is no helm on the search path."
            )
        }
        let world = try BenchWorld(BenchStock(instances: 0))
        let version = try world.run(helm, ["version", "--template", "{{.Version}}"], [:]).output
        guard let major = version.drop(while: { $0 == "v" }).split(separator: ".").first.flatMap({ Int($0) }),
            major >= 4
        else { throw NotMeasured(sentence: "not measured: the agent; it needs helm 4, and \(helm) is another one.") }
        let objects = BenchObjects(count, in: "bench-agent")
        let server = try BenchAPIServer(cluster: cluster, objects: objects)
        try startFleet(world)
        return (world, objects, server)
    }

    /// How long it takes, and what it costs, until everything that an agent sees is stored.
    ///
    /// At its first start, and at its second, as after a loss of what it knew.
    static func resync(_ count: Int) throws -> [Sample] {
        let (world, objects, server) = try prepare(count)
        defer { server.stop() }
        var samples: [Sample] = []
        for start in ["first start", "start again"] {
            let epoch = try world.database.query("select epoch from cluster").only().int64(0)
            let (before, began) = (world.usage(), ContinuousClock.now)
            let agent = try startAgent(world, server)
            let told = """
                select coalesce(sum(r.resource_version::bigint), 0)::bigint
                from resource r join cluster c on c.cluster = r.cluster and c.epoch = r.epoch
                where not r.gone and c.epoch > \(epoch)
                """
            try wait("every object to be stored", world, told, objects.versions)
            try waitUntilPublished(world)
            let took = (ContinuousClock.now - began).seconds
            let name = "agent beside \(count) objects, \(start)"
            let usage = world.usage(since: before).filter { $0.cpu >= 0.01 && $0.name != Usage.broker }
            samples.append(Sample("\(name): all stored after", took, "s", digits: 1))
            samples += usage.map { Sample("\(name): CPU of \($0.name)", $0.cpu, "s", digits: 2) }
            try world.end(agent)
        }
        return samples
    }

    static func run(seconds: Int) throws -> [Sample] {
        let (world, objects, server) = try prepare(count)
        defer { server.stop() }
        let agent = try startAgent(world, server)
        try wait("the agent to connect", world, "select count(*) from cluster where state = 'connected'", 1)
        try wait("every object to be stored", world, stored, objects.versions)
        try waitUntilPublished(world)

        let idle = try Span.measure(agent, world, seconds: seconds)
        objects.change(perSecond: rate)
        let first = try newest(world)
        try wait("the first change", limit: .seconds(60)) { try newest(world) > first }
        let busy = try Span.measure(agent, world, seconds: seconds)
        objects.change(perSecond: 0)
        try wait("every change to be stored", world, stored, objects.versions)
        try waitUntilPublished(world)
        let name = "agent, \(rate) changes/s"
        return idle.samples("agent, 2,000 objects idle") + busy.samples(name) + [
            Sample("\(name): peak memory since its start", busy.peak, "MiB", digits: 1),
            Sample("\(name): changes kept up with", busy.changes, "changes/s", digits: 1),
        ]
    }

    /// The agent over a span of time.
    private struct Span {
        var cpu = 0.0
        var resident = 0.0
        var peak = 0.0
        /// Changes a second that were stored.
        var changes = 0.0

        static func measure(_ agent: Int32, _ world: BenchWorld, seconds: Int) throws -> Span {
            let before = (try newest(world), ProcessUsage(of: agent), ContinuousClock.now)
            Thread.sleep(forTimeInterval: Double(seconds))
            let after = (try newest(world), ProcessUsage(of: agent), ContinuousClock.now)
            let length = (after.2 - before.2).seconds
            return Span(
                cpu: (after.1.cpu - before.1.cpu) / length * 100,
                resident: after.1.resident,
                peak: after.1.peak,
                changes: Double(after.0 - before.0) / length
            )
        }

        func samples(_ name: String) -> [Sample] {
            [
                Sample("\(name): CPU", cpu, "% of a core", digits: 2),
                Sample("\(name): memory", resident, "MiB", digits: 1),
            ]
        }
    }

    // MARK: The fleet

    /// Starts workers, and registers the cluster in place of the one that a world is filled with.
    private static func startFleet(_ world: BenchWorld) throws {
        try world.database.script("delete from environment; delete from cluster")
        let keySet = world.folder + "/token-keys.json"
        let issuer = try TokenIssuer.create(privateKey: world.folder + "/token-key.pem", keySet: keySet)
        for worker in ["deployment-worker", "agent-worker", "resource-worker", "outbox-relay"] {
            try world.start(worker, [], ["SLIPWAY_TOKEN_KEYS": keySet, "SLIPWAY_ADMINISTRATORS": "root"])
        }
        let token = try issuer.token(for: "root", at: Int64(Date().timeIntervalSince1970 * 1_000_000))
        let producer = try KafkaProducer(world.kafka)
        defer { producer.close() }
        let record = KafkaRecord(
            topic: "slipway.deployment.requests",
            key: Array(cluster.utf8),
            value: Array(#"{"cluster":"\#(cluster)"}"#.utf8),
            headers: [
                KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_id", "register"),
                KafkaHeader("ce_source", "/bench"), KafkaHeader("ce_type", "slipway.cluster.register.v1"),
                KafkaHeader("content-type", "application/json"), KafkaHeader("authorization", "Bearer \(token)"),
            ]
        )
        try producer.sendWaiting(record, tag: 0)
        _ = try producer.flush(timeout: .seconds(60))
        try wait("the cluster to be registered", world, "select count(*) from cluster", 1)
    }

    private static func startAgent(_ world: BenchWorld, _ server: BenchAPIServer) throws -> Int32 {
        let file = world.folder + "/kubeconfig.yaml"
        let kubeconfig = """
            apiVersion: v1
            kind: Config
            clusters: [{name: bench, cluster: {server: "http://127.0.0.1:\(server.port)"}}]
            users: [{name: agent, user: {token: bench}}]
            contexts: [{name: bench, context: {cluster: bench, user: agent}}]
            current-context: bench

            """
        try Data(kubeconfig.utf8).write(to: URL(filePath: file))
        let key = try world.fleetKey.clusterKey(cluster, keyID: 1).base64
        // As long a wait for commands as is usual: a shorter one costs CPU that has nothing to do with objects.
        return try world.start(
            "cluster-agent",
            ["--cluster", cluster, "--kubeconfig", file, "--agent-namespace", BenchAPIServer.home],
            ["SLIPWAY_AGENT_KEY": key, "SLIPWAY_KAFKA_FETCH_WAIT_MAX_MS": "500"]
        )
    }

    private static func helm() -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/helm" }
            .first(where: FileManager.default.isExecutableFile(atPath:))
    }

    // MARK: What is stored

    /// The versions of all stored objects as a sum.
    private static let stored = "select coalesce(sum(resource_version::bigint), 0)::bigint from resource where not gone"

    /// The newest version that is stored: each change has a version of its own, one above the last.
    private static func newest(_ world: BenchWorld) throws -> Int {
        Int(try world.database.query("select max(resource_version::bigint) from resource").only().int64(0))
    }

    private static func waitUntilPublished(_ world: BenchWorld) throws {
        try wait("everything to be published", limit: .seconds(60)) { try world.isPublished() }
    }

    private static func wait(_ what: String, _ world: BenchWorld, _ sql: String, _ number: Int) throws {
        try wait(what, limit: .seconds(60)) { try world.database.query(sql).only().int64(0) == Int64(number) }
    }

    private static func wait(_ what: String, limit: Duration, until isSo: () throws -> Bool) throws {
        let end = ContinuousClock.now + limit
        while try !isSo() {
            guard ContinuousClock.now < end else {
                throw StartError("The benchmark of the agent has waited too long for \(what).")
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }
}
