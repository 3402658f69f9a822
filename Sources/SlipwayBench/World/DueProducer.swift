import Foundation
import Kafka
import Synchronization
import WorkerRuntime

/// Sends each message when it is due, at a steady rate, on a thread of its own; they are made before.
final class DueProducer: Sendable {
    /// When the first is due.
    let began: ContinuousClock.Instant
    private let beganClock: Double
    private let rate: Int
    private let isToStop = Mutex(false)
    private let outcome = Mutex<Result<Void, any Error>?>(nil)

    /// Time for the group's first join, which takes seconds on the mock broker.
    private static let joining = Duration.seconds(6)
    /// Objects that no other load knows.
    private static let first = 2_000_000

    init(_ world: BenchWorld, rate: Int, total: Int) throws {
        var load = ResourceLoad(fleetKey: try world.fleetKey)
        let before = load.next(object: 1_000_000)
        let records = (0..<total).map { load.next(object: Self.first + $0) }
        var settings = world.kafka
        settings.properties["linger.ms"] = "0"
        self.rate = rate
        began = ContinuousClock.now + Self.joining
        beganClock = Date().timeIntervalSince1970 * 1000 + Self.joining.seconds * 1000
        let eager = settings
        Thread.detachNewThread { [self] in
            let ended = Result { try send(before, records, eager) }
            outcome.withLock { $0 = ended }
        }
    }

    /// When a message is due, by the clock that does not jump, and in milliseconds since 1970, as messages tell it.
    func due(_ place: Int) -> (at: ContinuousClock.Instant, clock: Double) {
        let after = Double(place) / Double(rate)
        return (began + .seconds(after), beganClock + after * 1000)
    }

    /// The place of the message that a status is about.
    static func place(_ status: KafkaMessage) -> Int? {
        let number = status.key?.split(separator: "-").last.flatMap { Int($0) } ?? 0
        return number < first ? nil : number - first
    }

    /// Ends the thread; throws what kept it from sending.
    func stop() throws {
        isToStop.withLock { $0 = true }
        while true {
            if let outcome = outcome.withLock({ $0 }) { return try outcome.get() }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    private func send(_ before: KafkaRecord, _ records: [KafkaRecord], _ settings: KafkaSettings) throws {
        let producer = try KafkaProducer(settings)
        defer { producer.close() }
        try producer.send(before, tag: 0)
        for (place, record) in records.enumerated() {
            let due = due(place).at
            while ContinuousClock.now < due {
                guard !isToStop.withLock({ $0 }) else { return }
                Thread.sleep(forTimeInterval: max(0, min(ContinuousClock.now.duration(to: due).seconds, 0.1)))
            }
            try producer.sendWaiting(record, tag: UInt64(place))
            _ = producer.poll(timeout: .zero)
        }
        _ = try producer.flush(timeout: .seconds(20))
    }
}
