import FleetCheck
import Foundation
import Kafka
import Synchronization

extension LoadThread {
    /// What the thread alone uses.
    final class Sender {
        private let load: LoadThread
        private let interval: Duration
        private var messages: Load
        private var poison: SeededRandom
        private var producer: KafkaProducer
        private let reader: KafkaReader
        private var tags: [UInt64: Outgoing] = [:]
        private var tag: UInt64 = 0
        /// How many probes were sent.
        private var probes = 0
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
                try sendProbe(.request)
                nextProbe += .milliseconds(250)
            }
            for probe in [Probe.deployment, .release] {
                for place in 0..<probe.places
                where load.state.withLock({ $0.probes.isDue(probe, place: place, at: .now) }) {
                    try sendProbe(probe, place: place)
                }
            }
        }

        private func sendProbe(_ probe: Probe, place: Int = 0) throws {
            probes += 1
            let message = Load.probe(probe, place: place, number: probes, seed: load.seed)
            load.state.withLock { $0.probes.begin(message.id, probe, place: place, at: .now) }
            try send(message)
        }

        private func send(_ message: Outgoing) throws {
            tag += 1
            do throws(KafkaError) {
                try producer.send(kafkaRecord(message), tag: tag)
            } catch {
                // Where there is no room nothing was taken: the load is that much less.
                guard error.isQueueFull else { throw error }
                return load.state.withLock { $0.probes.forget(message.id) }
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
                    state.probes.forget(message.id)
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
            while let message = try reader.next(timeout: max(.zero, end - .now)) {
                guard let value = message.valueBytes,
                    let answer = try? JSONDecoder().decode(Answer.self, from: Data(value))
                else { continue }
                load.state.withLock { answer.note(in: &$0, seed: load.seed) }
            }
        }
    }

    /// What the fleet says on the topic of results, as far as it matters here.
    private struct Answer: Decodable {
        struct Request: Decodable {
            let id: String
        }

        let request: Request?
        let state: String?
        let command: String?
        /// Of what a rule made of a release.
        let version: String?
        let fired: Bool?

        func note(in load: inout State, seed: UInt64) {
            if let version, let command, fired == true {
                return load.probes.note(command: command, of: Load.releaseID(version, seed: seed))
            }
            guard let request, let state, !["accepted", "sent", "acknowledged", "applied"].contains(state) else {
                return
            }
            load.ended.insert(request.id)
            load.probes.end(request.id, command: command, hasSucceeded: state == "succeeded", at: .now)
        }
    }
}
