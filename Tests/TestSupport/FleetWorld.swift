import Foundation
import Identity
public import Kafka
public import Postgres

/// A test's own world: a broker, a database, a folder, and processes that end with it.
public final class FleetWorld {
    private let embedded: KafkaMockCluster?
    /// How to reach the broker.
    public let kafka: KafkaSettings
    /// What the names of this world's topics and groups begin with.
    public let prefix: String
    /// A connection to the database.
    public let database: PostgresConnection
    /// The folder of logs and test signals.
    public let folder: String
    /// What processes get as environment.
    public var environment: [String: String]
    /// What proves that a request comes from `root`, who runs the platform.
    public let token: String
    private let producer: KafkaProducer
    private(set) var processes: [WorkerProcessHandle] = []

    /// Makes a world with the topics that are named.
    ///
    /// - Parameters:
    ///   - brokers: A broker that is there and has other tests' topics, too; an embedded one of its own otherwise.
    ///   - databaseURL: A database that the test has made; a fresh one on the server of all tests otherwise.
    public init(topics: [String], partitions: Int = 2, brokers: String? = nil, databaseURL: String? = nil) throws {
        embedded = brokers == nil ? try KafkaMockCluster() : nil
        kafka = embedded?.settings ?? KafkaSettings(bootstrapServers: brokers ?? "")
        prefix = brokers == nil ? "slipway." : "t\(UUID().uuidString.lowercased().prefix(8))."
        try Self.makeTopics(
            topics.map { [prefix] topic in
                let isSingle = topic.hasPrefix("agent.commands.") || topic.hasSuffix(".dlt")
                return KafkaTopicDefinition(name: prefix + topic, partitions: isSingle ? 1 : partitions)
            },
            embedded,
            kafka
        )
        let url = try databaseURL ?? TestDatabase.make()
        database = try TestDatabase.connect(url)
        folder = NSTemporaryDirectory() + "slipway-world-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let keySet = folder + "/token-keys.json"
        token = try TokenIssuer.create(privateKey: folder + "/token-key.pem", keySet: keySet).token(
            for: "root",
            lifetime: .seconds(86_400),
            // Also a worker whose clock is ten minutes behind takes it: the embedded broker does not say when requests came.
            at: Int64(Date().timeIntervalSince1970 * 1_000_000) - 900_000_000
        )
        environment = [
            "SLIPWAY_TOKEN_KEYS": keySet, "SLIPWAY_ADMINISTRATORS": "root",
            "SLIPWAY_KAFKA_BROKERS": kafka.bootstrapServers, "SLIPWAY_TOPIC_PREFIX": prefix,
            "SLIPWAY_DATABASE_URL": url,
            "SLIPWAY_FLEET_KEY": Data(repeating: 7, count: 32).base64EncodedString(),
            // The mock's first join takes 3 s, so sessions must be longer; other brokers want 6 s at least.
            "SLIPWAY_KAFKA_SESSION_TIMEOUT_MS": brokers == nil ? "4000" : "6000",
            "SLIPWAY_KAFKA_FETCH_WAIT_MAX_MS": "10",
            "SLIPWAY_LEASE_MILLISECONDS": "2000",
            "SLIPWAY_LOG_LEVEL": "debug", "SLIPWAY_RETRY_MILLISECONDS": "300", "SLIPWAY_TEST_SIGNALS": folder,
            "SLIPWAY_SETTLE_SECONDS": "1", "SLIPWAY_FAILURE_SECONDS": "2",
        ]
        var settings = kafka
        // Tests also send what is far too large for the fleet.
        settings.properties["message.max.bytes"] = "20000000"
        producer = try KafkaProducer(settings)
    }

    /// The embedded broker, which can be made to fail; a world on a named one has none.
    public var broker: KafkaMockCluster {
        guard let embedded else { preconditionFailure("this world's broker is not embedded") }
        return embedded
    }

    private static func makeTopics(
        _ topics: [KafkaTopicDefinition],
        _ embedded: KafkaMockCluster?,
        _ kafka: KafkaSettings
    ) throws {
        guard let embedded else {
            let admin = try KafkaAdmin(kafka)
            defer { admin.close() }
            return try admin.createTopics(topics, timeout: .seconds(30))
        }
        for topic in topics { try embedded.createTopic(topic.name, partitions: topic.partitions) }
    }

    deinit {
        processes.removeAll()
        producer.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts a worker.
    ///
    /// - Parameter input: A file that is its standard input.
    public func start(
        _ name: String,
        _ arguments: [String] = [],
        _ more: [String: String] = [:],
        input: String? = nil
    ) throws -> WorkerProcessHandle {
        let process = try WorkerProcessHandle(
            name,
            arguments,
            environment: environment.merging(more) { $1 },
            folder: folder,
            input: input
        )
        processes.append(process)
        return process
    }

    /// The process of each of these executables that was started first.
    public func firstOfEach(_ names: [String]) -> [WorkerProcessHandle] {
        names.compactMap { name in processes.first { $0.name == name } }
    }

    /// Sends one message and waits for the broker's word.
    public func send(
        _ topic: String,
        key: String?,
        type: String,
        id: String,
        source: String = "/test",
        headers: [(String, String)] = [],
        value: [UInt8]?,
        partition: Int32? = nil
    ) throws {
        let authorization = topic == "deployment.requests" ? [("authorization", "Bearer \(token)")] : []
        let attributes = [
            ("ce_specversion", "1.0"), ("ce_id", id), ("ce_source", source), ("ce_type", type),
            ("content-type", "application/json"),
        ]
        let record = KafkaRecord(
            topic: prefix + topic,
            partition: partition,
            key: key.map { Array($0.utf8) },
            value: value,
            headers: (attributes + authorization + headers).map { KafkaHeader($0.0, $0.1) }
        )
        try producer.send(record, tag: 0)
        for delivery in try producer.flush(timeout: .seconds(20)) {
            if let error = delivery.error { throw error }
        }
    }

    /// Sends a deployment request.
    public func request(_ what: String, key: String, id: String, _ json: String, source: String = "/test") throws {
        try send(
            "deployment.requests",
            key: key,
            type: "slipway.\(what).v1",
            id: id,
            source: source,
            value: Array(json.utf8)
        )
    }

    /// Everything that was published on a topic so far, in the order of each partition.
    public func messages(on topic: String) throws -> [KafkaMessage] {
        let reader = try KafkaReader(kafka)
        defer { reader.close() }
        try reader.read([prefix + topic], fromBeginning: true)
        var messages: [KafkaMessage] = []
        let limit = ContinuousClock.now + .seconds(30)
        while !reader.isAtEnd, ContinuousClock.now < limit {
            if let message = try reader.next(timeout: .milliseconds(200)) { messages.append(message) }
        }
        return messages
    }

    /// A number from the database.
    public func number(_ sql: String) throws -> Int64 {
        try database.query(sql).only().int64(0)
    }

    /// The variable with a folder of signals of its own, for processes that alone are held.
    public func signals(of name: String) throws -> [String: String] {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        return ["SLIPWAY_TEST_SIGNALS": "\(folder)/\(name)"]
    }

    /// Holds processes at a point, to be killed there.
    ///
    /// - Parameter name: Those with signals of their own.
    public func hold(_ point: String, of name: String = ".") {
        _ = FileManager.default.createFile(atPath: "\(folder)/\(name)/hold.\(point)", contents: nil)
    }

    /// Lets processes pass the point again.
    public func letPass(_ point: String, of name: String = ".") {
        try? FileManager.default.removeItem(atPath: "\(folder)/\(name)/hold.\(point)")
    }

    /// Waits until a process stands at the point.
    public func waitUntilHeld(_ process: WorkerProcessHandle, at point: String, of name: String = ".") throws {
        _ = try eventually("\(point) reached by \(process.pid)", within: .seconds(60)) {
            FileManager.default.fileExists(atPath: "\(folder)/\(name)/reached.\(point).\(process.pid)") ? true : nil
        }
    }

    /// Whether every message that was consumed has exactly one outcome in the ledger.
    public func ledgerCloses() throws -> Bool {
        try number(
            """
            select count(*) from partition_claim
            where consumed <> applied + repeated + stale + rejected + dead_lettered + parked
            """
        ) == 0
    }
}
