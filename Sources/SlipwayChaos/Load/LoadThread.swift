import FleetCheck
import Foundation
import Kafka
import Synchronization

/// Sends the load at its rate and follows the answers, on a thread of its own.
final class LoadThread: Sendable {
    private let seed: UInt64
    private let kafka: KafkaSettings
    private let token: String
    private let record: LineWriter<RecordLine>
    private let state = Mutex(State())

    private struct State {
        var isStopping = false
        var isOver = false
        /// Messages that others want to have sent.
        var extra: [Outgoing] = []
        var repetitions = 0
        var burst = 0
        /// Messages of the load that are to be sent at once.
        var ahead = 0
        /// Whether the load goes on, beside what others want.
        var isOn = false
        var sent = 0
        var unacknowledged = 0
        /// Probes that were not answered yet, with their times.
        var openProbes: [String: ContinuousClock.Instant] = [:]
        var lastAnsweredProbe = ContinuousClock.now
        /// Requests that ended, by id.
        var ended: Set<String> = []
        var latencies: [Double] = []
        var failure: String?
        /// How many partitions the topic of requests has, as far as the producer knows.
        var partitions = ChaosWorld.partitions
        /// Whether messages are on their way that were sent when it knew of fewer.
        var waitsForFormerPartitions = false
    }

    init(seed: UInt64, kafka: KafkaSettings, token: String, record: LineWriter<RecordLine>) {
        (self.seed, self.kafka, self.token, self.record) = (seed, kafka, token, record)
    }

    func start(rate: Double) {
        Thread.detachNewThread { [self] in
            do {
                try Sender(self, rate: rate).run()
            } catch {
                state.withLock { $0.failure = "the load ended: \(error)" }
            }
            state.withLock { $0.isOver = true }
        }
    }

    // MARK: For other threads

    func send(_ messages: [Outgoing]) { state.withLock { $0.extra += messages } }
    func sendRepetitions(_ count: Int) { state.withLock { $0.repetitions += count } }
    func sendBurst(_ count: Int) { state.withLock { $0.burst += count } }
    /// Has the next messages of the load sent at once.
    func sendAhead(_ count: Int) { state.withLock { $0.ahead += count } }
    /// Whether all of these were sent.
    var hasSentAhead: Bool { state.withLock { $0.ahead == 0 } }
    func setOn(_ isOn: Bool) { state.withLock { $0.isOn = isOn } }
    /// Has the producer send to so many partitions of the topic of requests from now on.
    func learn(partitions: Int) {
        state.withLock { ($0.partitions, $0.waitsForFormerPartitions) = (partitions, true) }
    }
    var partitions: Int { state.withLock { $0.partitions } }
    var waitsForFormerPartitions: Bool { state.withLock { $0.waitsForFormerPartitions } }
    var sentCount: Int { state.withLock { $0.sent } }
    var endedCount: Int { state.withLock { $0.ended.count } }
    var failure: String? { state.withLock { $0.failure } }

    /// Whether these requests have ended.
    func haveEnded(_ ids: [String]) -> Bool { state.withLock { $0.ended.isSuperset(of: ids) } }

    /// Since when each probe that was sent is answered within a second and a half; none while one is not.
    func isAnsweringPromptly(since: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            return state.lastAnsweredProbe > since
                && state.openProbes.values.allSatisfy { now - $0 < .milliseconds(1500) }
        }
    }

    /// The probes' times from sending to the answer, in seconds, and forgets them.
    func takeLatencies() -> [Double] {
        state.withLock { state in
            defer { state.latencies = [] }
            return state.latencies
        }
    }

    /// Sends no more; returns when the broker has said of each message what became of it, or the limit is over.
    func stop(limit: Duration) {
        state.withLock { $0.isStopping = true }
        let end = ContinuousClock.now + limit
        while !state.withLock({ $0.isOver }), ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.05) }
    }
}

extension LoadThread {
    /// What the thread alone uses.
    private final class Sender {
        private let load: LoadThread
        private let interval: Duration
        private var messages: Load
        private var poison: SeededRandom
        private var producer: KafkaProducer
        private let reader: KafkaReader
        private var tags: [UInt64: Outgoing] = [:]
        private var tag: UInt64 = 0
        private var probe = 0
        private var nextMessage = ContinuousClock.now
        private var nextProbe = ContinuousClock.now
        private var partitions = ChaosWorld.partitions
        /// The last message that was sent when fewer partitions were known.
        private var lastFormerTag: UInt64 = 0

        init(_ load: LoadThread, rate: Double) throws {
            self.load = load
            interval = .milliseconds(Int(1000 / rate))
            messages = Load(seed: load.seed)
            poison = SeededRandom(seed: load.seed ^ 0xBAD)
            producer = try KafkaProducer(load.kafka)
            reader = try KafkaReader(load.kafka)
            try reader.read([ChaosWorld.prefix + "deployment.results"], fromBeginning: true)
        }

        func run() throws {
            nextMessage = .now
            nextProbe = .now
            while !load.state.withLock({ $0.isStopping }) {
                try sendWhatIsDue()
                try settle(producer.poll(timeout: .zero))
                try renewProducer()
                try takeAnswers(until: .now + .milliseconds(20))
            }
            let end = ContinuousClock.now + .seconds(30)
            while producer.outstanding > 0, ContinuousClock.now < end {
                try settle(producer.poll(timeout: .milliseconds(50)))
            }
            try forget()
            producer.close()
            reader.close()
        }

        private func learnPartitions() {
            let known = load.partitions
            if known != partitions { (partitions, lastFormerTag) = (known, tag) }
            guard load.waitsForFormerPartitions else { return }
            let waits = tags.keys.contains { $0 <= lastFormerTag }
            load.state.withLock { $0.waitsForFormerPartitions = waits }
        }

        private func sendWhatIsDue() throws {
            let (extra, repetitions, burst, ahead, isOn) = load.state.withLock { state in
                defer { (state.extra, state.repetitions, state.burst) = ([], 0, 0) }
                return (state.extra, state.repetitions, state.burst, state.ahead, state.isOn)
            }
            // Whoever has it learn first and send then, means it so.
            learnPartitions()
            for _ in 0..<ahead { try send(messages.next()) }
            load.state.withLock { $0.ahead -= ahead }
            for message in extra + messages.repetitions(repetitions) { try send(message) }
            for number in 0..<burst {
                try send(Poison.make(number % Poison.kinds, id: "b\(load.seed)-\(tag)", random: &poison))
            }
            guard isOn else {
                (nextMessage, nextProbe) = (.now, .now)
                return
            }
            while nextMessage <= .now {
                try send(messages.next())
                nextMessage += interval
            }
            while nextProbe <= .now {
                try sendProbe()
                nextProbe += .milliseconds(250)
            }
        }

        private func sendProbe() throws {
            probe += 1
            let project = LoadPlace.probes[probe % LoadPlace.probes.count]
            let id = "q\(load.seed)-\(probe)"
            load.state.withLock { $0.openProbes[id] = .now }
            let json = #"{"project":"\#(project)","name":"probe \#(probe)"}"#
            try send(.request("project.update", key: project, id: id, source: "/chaos/probe", json))
        }

        private func send(_ message: Outgoing) throws {
            tag += 1
            do throws(KafkaError) {
                try producer.send(kafkaRecord(message), tag: tag)
            } catch {
                // Where there is no room nothing was taken: the load is that much less.
                guard error.isQueueFull else { throw error }
                return
            }
            tags[tag] = message
            load.state.withLock { $0.sent += 1 }
        }

        private func kafkaRecord(_ message: Outgoing) -> KafkaRecord {
            var headers: [KafkaHeader] = []
            if !message.isBare {
                headers = [
                    KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_id", message.id),
                    KafkaHeader("ce_source", message.source), KafkaHeader("ce_type", message.type),
                    KafkaHeader("content-type", "application/json"),
                ]
                if message.topic == "deployment.requests", message.headers["authorization"] == nil {
                    headers.append(KafkaHeader("authorization", "Bearer \(load.token)"))
                }
            }
            headers += message.headers.sorted { $0.key < $1.key }.map { KafkaHeader($0.key, $0.value) }
            let key = Array(message.key.utf8)
            let isRequest = message.topic == ChaosWorld.requests
            return KafkaRecord(
                topic: ChaosWorld.prefix + message.topic,
                partition: isRequest ? KafkaPartitioner.murmur2(key, partitions: Int32(partitions)) : nil,
                key: key,
                value: message.value,
                headers: headers
            )
        }

        /// Writes down what the broker said.
        private func settle(_ deliveries: [KafkaDelivery]) throws {
            for delivery in deliveries {
                guard let message = tags.removeValue(forKey: delivery.tag) else { continue }
                try note(message, at: delivery.error == nil ? delivery.position : nil)
            }
        }

        private func note(_ message: Outgoing, at position: KafkaPosition?) throws {
            if position == nil {
                load.state.withLock { state in
                    state.unacknowledged += 1
                    // Nobody knows whether it is there: its answer is waited for no more.
                    state.openProbes[message.id] = nil
                }
            }
            let offset = position.flatMap { $0.offset >= 0 ? $0.offset : nil }
            let sent = SentMessage(
                topic: message.topic,
                key: message.key,
                source: message.source,
                id: message.id,
                type: message.type,
                partition: offset == nil ? nil : position?.topicPartition.partition,
                offset: offset,
                at: Int64(Date().timeIntervalSince1970 * 1000),
                poison: message.poison
            )
            try load.record.write(RecordLine(sent: sent))
        }

        /// A producer that ended for good is replaced; what became of its messages nobody knows.
        private func renewProducer() throws {
            guard producer.fatalError != nil else { return }
            try settle(producer.poll(timeout: .milliseconds(200)))
            producer.close()
            try forget()
            producer = try KafkaProducer(load.kafka)
        }

        private func forget() throws {
            for message in tags.values { try note(message, at: nil) }
            tags = [:]
        }

        private func takeAnswers(until end: ContinuousClock.Instant) throws {
            struct Answer: Decodable {
                struct Request: Decodable {
                    let source: String
                    let id: String
                }
                let request: Request
                let state: String
            }
            while let message = try reader.next(timeout: max(.zero, end - .now)) {
                guard let value = message.valueBytes,
                    let answer = try? JSONDecoder().decode(Answer.self, from: Data(value)),
                    !["accepted", "sent", "acknowledged", "applied"].contains(answer.state)
                else { continue }
                load.state.withLock { state in
                    state.ended.insert(answer.request.id)
                    guard let since = state.openProbes.removeValue(forKey: answer.request.id) else { return }
                    state.lastAnsweredProbe = .now
                    state.latencies.append((ContinuousClock.now - since).inSeconds)
                }
            }
        }
    }
}
