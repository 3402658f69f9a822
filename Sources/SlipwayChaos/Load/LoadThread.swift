import FleetCheck
import Foundation
import Kafka
import Synchronization

/// Sends the load at its rate and follows the answers, on a thread of its own.
final class LoadThread: Sendable {
    let seed: UInt64
    let kafka: KafkaSettings
    let token: String
    let record: LineWriter<RecordLine>
    let state = Mutex(State())

    struct State {
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
        var probes = ProbeBook()
        /// Requests that ended, by id.
        var ended: Set<String> = []
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

    /// Whether probes of one kind are answered as before, and were since a time.
    func isAnswering(_ probe: Probe, since: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.probes.isAnswering(probe, since: since, at: .now) }
    }

    /// The places at which probes were answered.
    var answeredPlaces: Set<ProbeBook.Place> { state.withLock { $0.probes.answeredPlaces } }

    /// Whether a probe was answered at a place since a time.
    func wasAnswered(at place: ProbeBook.Place, since: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.probes.wasAnswered(at: place, since: since) }
    }

    /// The probes' times from sending to the answer, in seconds, and forgets them.
    func takeTimes() -> [Probe: [Double]] { state.withLock { $0.probes.takeTimes() } }

    /// Sends no more; returns when the broker has said of each message what became of it, or the limit is over.
    func stop(limit: Duration) {
        state.withLock { $0.isStopping = true }
        let end = ContinuousClock.now + limit
        while !state.withLock({ $0.isOver }), ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.05) }
    }
}
