import Domain
import FleetCheck
import Foundation
import Identity
import Kafka
import Postgres
import WorkerRuntime

/// What a run consists of: a database behind a proxy, a broker, a fleet, clusters, and the files that tell of it.
final class ChaosWorld {
    let folder: String
    let seed: UInt64
    let log: RunLog
    let server: PostgresServer
    let proxy: DatabaseProxy
    let record: LineWriter<RecordLine>
    static let databaseName = "slipway"
    /// Past the proxy, for the run's own connections.
    let directURL: String
    let fleet: FleetProcesses
    let token: String
    let fleetKey: FleetKey
    static let clusters = ["c0", "c1", "c2"]
    static let brokers: Int32 = 3
    static let partitions = 4
    static let prefix = "slipway."
    static let requests = "deployment.requests"
    /// How many partitions the topic of requests has in the end, see ``FaultPlayer/addPartitions()``.
    static let grownPartitions = 8

    /// Whether the topic of requests grows in this run; what the fleet itself sends to its new partitions waits until then.
    let grows: Bool

    /// The growth of the topic of requests, from what producers know in the beginning.
    static func growth() throws -> TopicGrowth {
        try TopicGrowth(of: requests, from: partitions, to: grownPartitions)
    }

    /// Whether the clusters are unsound: what was done is done again.
    var areForgetful = false
    /// How often each cluster was lost.
    private var losses: [String: Int] = [:]

    var recordPath: String { folder + "/record.jsonl" }
    var messagesPath: String { folder + "/messages.jsonl" }
    /// Where the clusters are kept: they outlive their agents.
    var clustersPath: String { folder + "/clusters" }

    init(seed: UInt64, folder: String, log: RunLog, grows: Bool) throws {
        (self.seed, self.folder, self.log, self.grows) = (seed, folder, log, grows)
        // What a run before this one left in the same folder.
        for name in ["postgres", "logs", "signals", "broker.address", "token-key.pem", "token-keys.json", "clusters"] {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
        try FileManager.default.createDirectory(
            atPath: folder + "/signals",
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755]
        )
        try FileManager.default.createDirectory(atPath: folder + "/clusters", withIntermediateDirectories: true)
        record = try LineWriter(folder + "/record.jsonl")
        // Durable: a restart like after a crash must not lose what was committed.
        server = try PostgresServer(
            folder: folder + "/postgres",
            durable: true,
            isTemporary: true,
            settings: ["max_connections": "80"]
        )
        directURL = try server.createDatabase(Self.databaseName)
        proxy = try DatabaseProxy(to: server.port)
        let keySet = folder + "/token-keys.json"
        token = try TokenIssuer.create(privateKey: folder + "/token-key.pem", keySet: keySet).token(
            for: "root",
            lifetime: .seconds(12 * 3600),
            // Also one whose clock is ten minutes behind takes it: the embedded broker does not say when requests came.
            at: Int64(Date().timeIntervalSince1970 * 1_000_000) - 900_000_000
        )
        let key = FleetKey.random()
        fleetKey = try FleetKey(base64: key)
        fleet = try FleetProcesses(folder: folder, record: record, log: log)
        fleet.environment = [
            "SLIPWAY_DATABASE_URL": directURL.replacing(":\(server.port)/", with: ":\(proxy.port)/"),
            "SLIPWAY_FLEET_KEY": key, "SLIPWAY_TOKEN_KEYS": keySet, "SLIPWAY_ADMINISTRATORS": "root",
            "SLIPWAY_TEST_SIGNALS": folder + "/signals", "SLIPWAY_KAFKA_FETCH_WAIT_MAX_MS": "20",
            // Short limits, so that what goes wrong is over within the run. The mock's first join takes 3 s. A member whose
            // session ends while it joins is never answered by the mock: its client waits for the longest time between
            // polls before it joins again.
            "SLIPWAY_KAFKA_MAX_POLL_INTERVAL_MS": "10000",
            // The mock does not look at an idempotent producer's sequence numbers: where one batch is lost with its
            // connection, the one behind it would be taken, which a broker refuses.
            "SLIPWAY_KAFKA_MAX_IN_FLIGHT": "1",
            "SLIPWAY_KAFKA_SESSION_TIMEOUT_MS": "6000", "SLIPWAY_LEASE_MILLISECONDS": "2000",
            "SLIPWAY_RETRY_MILLISECONDS": "200", "SLIPWAY_RETRY_ATTEMPTS": "6", "SLIPWAY_SETTLE_SECONDS": "1",
            "SLIPWAY_FAILURE_SECONDS": "3", "SLIPWAY_ACKNOWLEDGE_SECONDS": "25", "SLIPWAY_APPLY_SECONDS": "25",
            "SLIPWAY_HEALTHY_SECONDS": "30", "SLIPWAY_DEADLINE_SECONDS": "60", "SLIPWAY_AGENT_LEASE_SECONDS": "10",
        ]
    }

    var kafka: KafkaSettings {
        KafkaSettings(
            bootstrapServers: fleet.environment["SLIPWAY_KAFKA_BROKERS"] ?? "",
            properties: ["fetch.wait.max.ms": "20"]
        )
    }

    /// Starts broker, observer and workers, in the order in which each needs the other.
    func start(workersOfAKind count: Int) throws {
        try startBroker()
        let connection = try database()
        _ = try PostgresMigrator(fleetMigrations).migrate(connection)
        try Installation.prepare(on: connection)
        if grows { try Self.growth().begin(on: connection) }
        connection.close()
        _ = try fleet.start(
            "slipway-check",
            slot: "observer",
            [
                "observe", "--kafka-brokers", kafka.bootstrapServers, "--topic-prefix", Self.prefix, "--messages",
                messagesPath,
            ]
        )
        for kind in FleetProcesses.workers {
            for number in 1...count { _ = try fleet.start(kind, slot: "\(kind)-\(number)") }
        }
    }

    /// Starts an agent of a cluster, of another boot each time.
    func startAgent(of cluster: String, slot: String? = nil) throws {
        let slot = slot ?? "agent-\(cluster)"
        let starts = UInt64(fleet.starts(of: slot))
        var arguments = [
            "--simulate", "--without-helm", "--cluster", cluster, "--speed", "4", "--seed",
            String(seed &* 1000 &+ starts &* 10 &+ UInt64(slot.utf8.count)), "--duplicate-percent", "5",
            "--reorder-percent", "5", "--cluster-state", statePath(of: cluster),
        ]
        if areForgetful { arguments.append("--does-again") }
        _ = try fleet.start(
            "cluster-agent",
            slot: slot,
            arguments,
            ["SLIPWAY_AGENT_KEY": fleetKey.clusterKey(cluster, keyID: 1).base64]
        )
    }

    func statePath(of cluster: String) -> String { "\(clustersPath)/\(cluster).jsonl" }

    /// Loses a cluster that has no agent: the next one begins empty.
    func loseCluster(_ cluster: String) throws {
        losses[cluster, default: 0] += 1
        let lost = "\(clustersPath)/\(cluster).\(losses[cluster, default: 0]).jsonl"
        try FileManager.default.moveItem(atPath: statePath(of: cluster), toPath: lost)
    }

    /// Whether a cluster was lost and began empty.
    func isLost(_ cluster: String?) -> Bool { cluster.map { losses[$0] != nil } ?? false }

    /// A connection that does not pass the proxy.
    func database() throws -> PostgresConnection {
        try PostgresConnection(PostgresConfiguration(url: directURL))
    }

    /// Ends everything and removes the database; the folder stays where it is of use.
    func end(keepsFolder: Bool) {
        fleet.killAll()
        proxy.close()
        server.stop(.immediate)
        if !keepsFolder { try? FileManager.default.removeItem(atPath: folder) }
    }

    private func startBroker() throws {
        let file = folder + "/broker.address"
        let clusters = Self.clusters.flatMap { ["--cluster", $0] }
        _ = try fleet.start(
            "slipway",
            slot: "broker",
            [
                "broker", "--partitions", String(Self.partitions), "--partitions-of",
                "\(Self.requests)=\(grows ? Self.grownPartitions : Self.partitions)", "--address-file", file,
                "--brokers", String(Self.brokers),
                "--control",
            ] + clusters,
            takesOrders: true
        )
        let limit = Date().addingTimeInterval(30)
        while Date() < limit {
            if let address = try? String(contentsOfFile: file, encoding: .utf8), !address.isEmpty {
                fleet.environment["SLIPWAY_KAFKA_BROKERS"] = address.trimmingCharacters(in: .whitespacesAndNewlines)
                return
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw ChaosFailure("the broker did not start")
    }
}

/// Why a run cannot go on: a fault of the run itself, not of the fleet.
struct ChaosFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
