public import CoreMetrics
import Synchronization

/// Keeps the process's metrics and writes them in Prometheus's text format.
///
/// The back-end of swift-metrics for the fleet: counters, gauges, and recorders as histograms.
public final class PrometheusRegistry: MetricsFactory, Sendable {
    /// The registry of this process.
    public static let shared = PrometheusRegistry()

    private let series = Mutex<[SeriesName: Series]>([:])

    private func find(_ label: String, _ dimensions: [(String, String)], _ kind: Series.Kind) -> Series {
        let name = SeriesName(label: label, dimensions: dimensions.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ","))
        return series.withLock { all in
            if let known = all[name] { return known }
            let new = Series(kind: kind)
            all[name] = new
            return new
        }
    }

    /// Makes or finds a counter.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions, .counter)
    }

    /// Makes or finds a gauge, or a histogram where the recorder aggregates.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        find(label, dimensions, aggregate ? .histogram : .gauge)
    }

    /// Makes or finds a gauge that can go up and down.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        find(label, dimensions, .gauge)
    }

    /// Makes or finds a histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions, .histogram)
    }

    /// Metrics live as long as the process.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Metrics live as long as the process.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Metrics live as long as the process.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Metrics live as long as the process.
    public func destroyTimer(_ handler: any TimerHandler) {}

    /// Everything in Prometheus's text format.
    public func text() -> String {
        let all = series.withLock { $0 }.sorted {
            ($0.key.label, $0.key.dimensions) < ($1.key.label, $1.key.dimensions)
        }
        var lines: [String] = []
        var last = ""
        for (name, series) in all {
            let exposed = series.kind == .counter ? name.label + "_total" : name.label
            if name.label != last { lines.append("# TYPE \(exposed) \(series.kind.rawValue)") }
            last = name.label
            lines += series.lines(name: exposed, dimensions: name.dimensions)
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

private struct SeriesName: Hashable {
    let label: String
    let dimensions: String
}

/// One time series; its values change under a lock that is held for nanoseconds.
private final class Series: CounterHandler, RecorderHandler, MeterHandler, TimerHandler {
    enum Kind: String { case counter, gauge, histogram }

    private struct Values {
        var count: Int64 = 0
        var sum = 0.0
        var buckets = [Int64](repeating: 0, count: Series.bounds.count)
    }

    /// Upper bounds in seconds.
    static let bounds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
    let kind: Kind
    private let values = Mutex(Values())

    init(kind: Kind) {
        self.kind = kind
    }

    func increment(by amount: Int64) { values.withLock { $0.count += amount } }
    func reset() { values.withLock { $0 = Values() } }
    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { values.withLock { $0.sum = value } }
    func increment(by amount: Double) { values.withLock { $0.sum += amount } }
    func decrement(by amount: Double) { values.withLock { $0.sum -= amount } }

    func record(_ value: Double) {
        values.withLock { values in
            guard kind == .histogram else {
                values.sum = value
                return
            }
            values.count += 1
            values.sum += value
            if let bucket = Self.bounds.firstIndex(where: { value <= $0 }) { values.buckets[bucket] += 1 }
        }
    }

    func lines(name: String, dimensions: String) -> [String] {
        let braces = dimensions.isEmpty ? "" : "{\(dimensions)}"
        return values.withLock { values in
            switch kind {
            case .counter: return ["\(name)\(braces) \(values.count)"]
            case .gauge: return ["\(name)\(braces) \(values.sum)"]
            case .histogram:
                let before = dimensions.isEmpty ? "" : dimensions + ","
                var total: Int64 = 0
                var lines = zip(Self.bounds, values.buckets).map { bound, count in
                    total += count
                    return "\(name)_bucket{\(before)le=\"\(bound)\"} \(total)"
                }
                lines.append("\(name)_bucket{\(before)le=\"+Inf\"} \(values.count)")
                lines.append("\(name)_sum\(braces) \(values.sum)")
                lines.append("\(name)_count\(braces) \(values.count)")
                return lines
            }
        }
    }
}
