import CloudEvents
import ClusterAgent
import Domain
import Foundation
import Kafka
import Logging
import Synchronization

/// The fleet as an agent meets it: a mock cluster, the cluster's key, commands out and everything the agent says in.
final class FleetSide {
    let kafka: KafkaMockCluster
    let key: SigningKey
    let prefix = "test."
    private let producer: KafkaProducer
    private let consumer: KafkaConsumer
    private(set) var messages: [KafkaMessage] = []
    private var sent = 0

    struct TimeLimitPassed: Error {
        let waitingFor: String
    }

    private static let topics = ["agent.status", "resource.changes", "agent.output", "container.logs"]

    init() throws {
        kafka = try KafkaMockCluster()
        for topic in Self.topics + ["agent.commands.east"] {
            try kafka.createTopic(prefix + topic, partitions: 1)
        }
        guard let key = SigningKey(base64: FleetKey.random()) else { throw TimeLimitPassed(waitingFor: "a key") }
        self.key = key
        producer = try KafkaProducer(kafka.settings)
        consumer = try KafkaConsumer(
            kafka.settings,
            group: "fleet",
            topics: Self.topics.map { [prefix] in prefix + $0 }
        )
    }

    func configuration() -> AgentConfiguration {
        var settings = kafka.settings
        settings.properties = ["session.timeout.ms": "4000", "heartbeat.interval.ms": "200"]
        var configuration = AgentConfiguration(
            cluster: "east",
            key: key,
            kafka: settings,
            logger: Logger(label: "agent") { _ in SwiftLogNoOpLogHandler() }
        )
        configuration.topicPrefix = prefix
        return configuration
    }

    /// Sends a command; `isSigned` says whether as the fleet would.
    func command(_ type: String, _ data: some Encodable, isSigned: Bool = true) throws {
        sent += 1
        let value = Array(try JSONEncoder().encode(data))
        let time = RFC3339.format(microseconds: 1_795_420_800_000_000)
        let parts = value.withUnsafeBytes {
            SignedParts(
                .toAgent,
                topic: "agent.commands.east",
                key: "shop/staging",
                type: type,
                source: "/slipway/test",
                id: "command-\(sent)",
                subject: nil,
                time: time,
                epoch: 3,
                sequence: nil,
                value: $0
            )
        }
        var headers = [
            KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_id", "command-\(sent)"),
            KafkaHeader("ce_source", "/slipway/test"), KafkaHeader("ce_type", type), KafkaHeader("ce_time", time),
            KafkaHeader("content-type", "application/json"), KafkaHeader("ce_epoch", "3"),
        ]
        if isSigned { headers.append(KafkaHeader(MessageSignature.header, key.sign(parts, keyID: 1))) }
        let topic = prefix + "agent.commands.east"
        try producer.send(
            KafkaRecord(topic: topic, key: Array("shop/staging".utf8), value: value, headers: headers),
            tag: UInt64(sent)
        )
        _ = try producer.flush(timeout: .seconds(10))
    }

    func welcome(boot: String, epoch: Int64 = 3, open: [String] = []) throws {
        try command(
            AgentCommandType.welcomed,
            Welcomed(
                boot: boot,
                epoch: epoch,
                namespaces: ["shop-staging"],
                open: open,
                snapshotSeconds: 300,
                heartbeatSeconds: 1
            )
        )
    }

    /// Reads until that many messages fulfil the condition, and returns them.
    @discardableResult
    func wait(_ what: String, count: Int = 1, for isWanted: (KafkaMessage) -> Bool) throws -> [KafkaMessage] {
        try read(what) { messages.filter(isWanted).count >= count }
        return messages.filter(isWanted)
    }

    /// Reads until the condition holds.
    func read(_ what: String, limit: Duration = .seconds(40), until isDone: () -> Bool) throws {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: limit)
        while !isDone() {
            guard clock.now < end else { throw TimeLimitPassed(waitingFor: what) }
            try step()
        }
    }

    static func sequence(_ message: KafkaMessage) -> Int? { message.header("ce_sequence").flatMap { Int($0) } }

    /// The ids of the messages that end a snapshot of that kind.
    func snapshotEnds(of kind: String) -> [String] {
        messages.filter { $0.header("ce_type") == ResourceChangeType.snapshotEnded }
            .filter { String(decoding: $0.valueBytes ?? [], as: UTF8.self).contains("\"kind\":\"\(kind)\"") }
            .compactMap { $0.header("ce_id") }
    }

    private func step() throws {
        switch try consumer.poll(timeout: .milliseconds(20)) {
        case .message(let message): messages.append(message)
        case .assigned(let partitions):
            try consumer.assign(partitions.map { KafkaPosition($0, offset: KafkaPosition.beginning) })
        case .revoked(let partitions, _): try consumer.release(partitions)
        case .endOfPartition, .failure, nil: break
        }
    }

    /// Whether a message carries the cluster's signature over what it says.
    func isSigned(_ message: KafkaMessage) -> Bool {
        guard let signature = message.header(MessageSignature.header).flatMap({ MessageSignature($0) }),
            let messageKey = message.key, let type = message.header("ce_type"), let id = message.header("ce_id")
        else { return false }
        let parts = message.withValue { value in
            SignedParts(
                .fromAgent,
                topic: String(message.topic.dropFirst(prefix.count)),
                key: messageKey,
                type: type,
                source: "/clusters/east/agent",
                id: id,
                subject: nil,
                time: message.header("ce_time"),
                epoch: message.header("ce_epoch").flatMap { Int64($0) },
                sequence: message.header("ce_sequence").flatMap { Int64($0) },
                value: value
            )
        }
        return parts.map { key.verifies(signature, of: $0) } ?? false
    }

    /// The place that the agent's group has stored.
    func storedPlace() throws -> Int64? {
        let admin = try KafkaAdmin(kafka.settings)
        defer { admin.close() }
        let place = KafkaTopicPartition(topic: prefix + "agent.commands.east", partition: 0)
        return try admin.committed(group: prefix + "agent-east", [place], timeout: .seconds(10)).first?.offset
    }

    func close() {
        _ = consumer.close(deadline: .seconds(2))
        producer.close()
        kafka.close()
    }
}

/// An agent on a thread of its own.
final class RunningAgent: Sendable {
    private let isStopping = Atomic(false)
    private let result = Mutex<Result<AgentEnd, any Error>?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    init(_ configuration: AgentConfiguration, cluster: SimulatedCluster) {
        let thread = Thread { [self] in
            let end = Result {
                try AgentLoop(configuration, cluster: cluster).run { isStopping.load(ordering: .relaxed) }
            }
            result.withLock { $0 = end }
            ended.signal()
        }
        thread.start()
    }

    /// Waits for the agent to end by itself, at most 30 seconds; `nil` where it did not.
    func end() throws -> AgentEnd? {
        guard ended.wait(timeout: .now() + 30) == .success else { return nil }
        return try result.withLock { $0 }?.get()
    }

    func stop() throws -> AgentEnd? {
        isStopping.store(true, ordering: .relaxed)
        return try end()
    }
}

/// Runs a test's blocking body on a thread of its own, so that tests wait side by side.
func onOwnThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try body() }) }.start()
    }
}
