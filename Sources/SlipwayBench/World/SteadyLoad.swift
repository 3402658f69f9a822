import Domain
import Foundation
import Kafka
import Postgres
import Synchronization
import WorkerRuntime

/// A producer that sends so many messages a second, whatever becomes of them, and looks how far the workers are.
///
/// It works on a thread of its own from its beginning until ``stop()``.
final class SteadyLoad: Sendable {
    private struct State {
        var progress = SteadyProgress()
        var isToStop = false
        var outcome: Result<Int, any Error>?
    }

    private let state = Mutex(State())

    init(_ world: BenchWorld, rate: Int) throws {
        let (url, key, kafka) = (world.url, try world.fleetKey, world.kafka)
        Thread.detachNewThread { [self] in
            let outcome = Result { try run(url: url, SteadyProducer(kafka, key, rate: rate)) }
            state.withLock { $0.outcome = outcome }
        }
    }

    /// How far everything was, at each look.
    var progress: SteadyProgress { state.withLock { $0.progress } }

    /// Sends no more and waits until the broker has everything; returns how many messages it has.
    func stop() throws -> Int {
        state.withLock { $0.isToStop = true }
        while true {
            if let outcome = state.withLock(\.outcome) { return try outcome.get() }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    private func run(url: String, _ producer: SteadyProducer) throws -> Int {
        var monitor: PostgresConnection?
        defer { monitor?.close() }
        while !state.withLock(\.isToStop) {
            try producer.sendWhatIsDue()
            do {
                let connection = try monitor ?? PostgresConnection(PostgresConfiguration(url: url))
                monitor = connection
                let point = try SteadyProgress.Point(connection, sent: producer.sent)
                state.withLock { $0.progress.points.append(point) }
            } catch {
                monitor?.close()
                monitor = nil
            }
            producer.wait(.milliseconds(20))
        }
        return try producer.finish()
    }
}

/// Sends by the clock.
private final class SteadyProducer {
    private let producer: KafkaProducer
    private let rate: Int
    private let began = ContinuousClock.now
    private let shape = ResourceLoad.Shape(novelty: .allKnown)
    private var load: ResourceLoad
    private(set) var sent = 0

    init(_ kafka: KafkaSettings, _ key: FleetKey, rate: Int) throws {
        var settings = kafka
        settings.properties["linger.ms"] = "20"
        producer = try KafkaProducer(settings)
        load = ResourceLoad(fleetKey: key, shape)
        self.rate = rate
    }

    func sendWhatIsDue() throws {
        let due = Int((ContinuousClock.now - began).seconds * Double(rate))
        while sent < due {
            var record = load.next()
            record.partition = Int32(sent % shape.namespaces % BenchWorld.partitions)
            try producer.sendWaiting(record, tag: UInt64(sent))
            sent += 1
        }
    }

    func wait(_ duration: Duration) {
        _ = producer.poll(timeout: duration)
    }

    func finish() throws -> Int {
        defer { producer.close() }
        _ = try producer.flush(timeout: .seconds(20))
        return sent
    }
}
