import CoreMetrics
import Kafka
import Logging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ObservabilityTests {
    @Test func `librdkafka's lines go to the given logger at their level`() async throws {
        try await onOwnThread {
            let lines = Lines()
            var settings = KafkaSettings(bootstrapServers: "127.0.0.1:1")
            settings.logger = Logger(label: "kafka") { _ in lines }
            let producer = try KafkaProducer(settings)
            _ = try waitFor("a line about the broker") { () -> Bool? in
                _ = producer.poll(timeout: .milliseconds(20))
                return lines.seen.withLock { $0.contains { $0.level == .error && $0.text.contains("127.0.0.1:1") } }
                    ? true : nil
            }
            #expect(producer.latestError?.code == .transport || producer.latestError?.code == .allBrokersDown)
            producer.close()
        }
    }

    @Test func `the first message of a topic does not wait for the next look at all topics`() async throws {
        try await onOwnThread {
            let world = try World()
            let lines = Lines()
            var settings = world.settings(["debug": "metadata"])
            settings.logger = Logger(label: "kafka") { _ in lines }
            let producer = try KafkaProducer(settings)
            // A connection that is made asks for what is known by then, so the other topics come after it.
            for (tag, topic) in [world.topic, "parcels", "returns"].enumerated() {
                if topic != world.topic { try world.cluster.createTopic(topic, partitions: 1) }
                try producer.send(KafkaRecord(topic: topic, value: [1]), tag: UInt64(tag))
                #expect(try producer.flush(timeout: .seconds(10)).map(\.error) == [nil])
            }
            let seen = lines.seen.withLock { $0.map(\.text) }
            #expect(seen.contains { $0.contains("Received metadata") })
            #expect(!seen.contains { $0.contains("refresh unavailable topics") })
            producer.close()
        }
    }

    @Test func `a broker that is away for long is tried again within two seconds`() async throws {
        try await onOwnThread {
            let world = try World()
            let lines = Lines()
            // Twice that, and twice again, would be the next pauses.
            var settings = world.settings(["debug": "broker", "reconnect.backoff.ms": "1500"])
            settings.logger = Logger(label: "kafka") { _ in lines }
            let producer = try KafkaProducer(settings)
            let record = KafkaRecord(topic: world.topic, value: [1])
            try producer.send(record, tag: 1)
            #expect(try producer.flush(timeout: .seconds(10)).map(\.error) == [nil])
            try world.cluster.setBrokerDown()
            try producer.send(record, tag: 2)
            let pauses = try waitFor("three pauses") { () -> [Int]? in
                _ = producer.poll(timeout: .milliseconds(20))
                let pauses = lines.seen.withLock { $0.compactMap { pause($0.text) } }
                // What is left of a pause is told, too, where somebody asks meanwhile.
                return pauses.count { $0 > 1100 } >= 3 ? pauses : nil
            }
            #expect(pauses.allSatisfy { $0 <= 2000 }, "\(pauses)")
            producer.close()
        }
    }

    /// How many milliseconds a line of librdkafka says that it waits before it connects.
    private func pause(_ line: String) -> Int? {
        line.split(separator: "next reconnect by ").dropFirst().first.flatMap { Int($0.prefix { $0.isNumber }) }
    }

    @Test func `statistics become gauges when an interval is set`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send(["a", "b", "c"])
            let gauges = Gauges()
            var settings = world.settings(["statistics.interval.ms": "100"])
            settings.metricsFactory = gauges
            let reader = Reader(try KafkaConsumer(settings, group: "readers", topics: [world.topic]))
            try reader.read(3)
            try reader.consumer.storeOffset(KafkaPosition(world.place(), offset: 1))
            try reader.consumer.commit(wait: true)
            try reader.read("the lag") { _ in
                gauges.values.withLock { $0["kafka_consumer_lag_messages orders 0"] == 2 }
            }
            let received = gauges.values.withLock {
                $0.first { $0.key.hasPrefix("kafka_client_received_responses") }
            }
            #expect((received?.value ?? 0) > 0)
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }
}

private final class Lines: LogHandler {
    let seen = Mutex<[(level: Logger.Level, text: String)]>([])
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .debug }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        seen.withLock { $0.append((event.level, event.message.description)) }
    }
}

private final class Gauges: MetricsFactory, Sendable {
    let values = Mutex<[String: Double]>([:])

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        Recorder(name: ([label] + dimensions.map(\.1)).joined(separator: " "), owner: self)
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        NOOPMetricsHandler.instance
    }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { NOOPMetricsHandler.instance }
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private final class Recorder: RecorderHandler {
        private let name: String
        private let owner: Gauges

        init(name: String, owner: Gauges) {
            self.name = name
            self.owner = owner
        }

        func record(_ value: Int64) { record(Double(value)) }

        func record(_ value: Double) {
            owner.values.withLock { $0[name] = value }
        }
    }
}
