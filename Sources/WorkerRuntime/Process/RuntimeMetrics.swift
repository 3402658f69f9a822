import CoreMetrics

/// The metrics of one lane; see `docs/metrics.md` for what each tells an operator.
struct LaneMetrics {
    let consumed: Counter
    let outcomes: [String: Counter]
    let published: Counter
    let fenced: Counter
    let staleMember: Counter
    let transientFailures: Counter
    let released: Counter
    let partitions: GaugeShare
    /// Partitions that wait for room in a key's queue, of all lanes of the process.
    let pausedPartitions: Meter
    let batchSeconds: Recorder

    init(worker: String) {
        func counter(_ name: String, _ more: [(String, String)] = []) -> Counter {
            Counter(label: name, dimensions: [("worker", worker)] + more)
        }
        consumed = counter("slipway_messages_consumed")
        outcomes = Dictionary(
            uniqueKeysWithValues: ["applied", "repeated", "stale", "rejected", "dead_lettered", "parked"].map {
                ($0, counter("slipway_messages", [("outcome", $0)]))
            }
        )
        published = counter("slipway_outbox_written")
        fenced = counter("slipway_lane_fenced")
        staleMember = counter("slipway_lane_stale_member")
        transientFailures = counter("slipway_lane_transient_failures")
        released = counter("slipway_parked_released")
        partitions = GaugeShare(label: "slipway_lane_partitions", dimensions: [("worker", worker)])
        pausedPartitions = Meter(label: "slipway_lane_paused_partitions", dimensions: [("worker", worker)])
        batchSeconds = Recorder(label: "messaging_process_duration_seconds", dimensions: [("worker", worker)])
    }

    func count(_ tally: Tally) {
        consumed.increment(by: tally.consumed)
        let counts = [
            ("applied", tally.applied), ("repeated", tally.repeated), ("stale", tally.stale),
            ("rejected", tally.rejected), ("dead_lettered", tally.deadLettered), ("parked", tally.parked),
        ]
        for (outcome, count) in counts where count > 0 { outcomes[outcome]?.increment(by: count) }
    }
}

/// The metrics of a relay lane.
struct RelayMetrics {
    let published = Counter(label: "slipway_outbox_published")
    let coalesced = Counter(label: "slipway_outbox_coalesced")
    let failed = Counter(label: "slipway_outbox_failed")
    let fenced = Counter(label: "slipway_outbox_fenced")
    let shards = GaugeShare(label: "slipway_outbox_shards")
    let waiting = Gauge(label: "slipway_outbox_waiting")
}

/// A lane's share of a gauge that shows the sum of all lanes of the process; used on the lane's thread.
final class GaugeShare {
    private let sum: Meter
    private var share = 0

    /// Finds the gauge, or makes it.
    init(
        label: String,
        dimensions: [(String, String)] = [],
        factory: any MetricsFactory = MetricsSystem.factory
    ) {
        sum = Meter(label: label, dimensions: dimensions, factory: factory)
    }

    /// Sets the share of this lane; the others' stay.
    func record(_ value: Int) {
        sum.increment(by: Double(value - share))
        share = value
    }
}

/// Metrics of what should never happen.
enum RuntimeMetrics {
    static var topicRemade: Counter { Counter(label: "slipway_topic_remade") }
    static var lostToRetention: Counter { Counter(label: "slipway_messages_lost_to_retention") }
}

extension Recorder {
    func recordSeconds(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        record(Double(seconds) + Double(attoseconds) / 1e18)
    }
}
