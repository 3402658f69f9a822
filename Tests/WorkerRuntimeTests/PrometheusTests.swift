import CoreMetrics
import Testing

@testable import WorkerRuntime

@Suite struct PrometheusTests {
    @Test func `counters, gauges and histograms read as Prometheus writes them`() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "messages", dimensions: [("outcome", "applied")]).increment(by: 3)
        registry.makeRecorder(label: "partitions", dimensions: [], aggregate: false).record(Int64(4))
        let seconds = registry.makeRecorder(label: "seconds", dimensions: [("worker", "w")], aggregate: true)
        seconds.record(0.003)
        seconds.record(7.0)
        let lines = registry.text().split(separator: "\n").map(String.init)
        #expect(lines.contains("# TYPE messages_total counter"))
        #expect(lines.contains(#"messages_total{outcome="applied"} 3"#))
        #expect(lines.contains("partitions 4.0"))
        #expect(lines.contains(#"seconds_bucket{worker="w",le="0.005"} 1"#))
        #expect(lines.contains(#"seconds_bucket{worker="w",le="+Inf"} 2"#))
        #expect(lines.contains(#"seconds_count{worker="w"} 2"#))
    }

    @Test func `a gauge that lanes share is the sum of what each says of itself`() {
        let registry = PrometheusRegistry()
        let lanes = (0..<2).map { _ in GaugeShare(label: "held", dimensions: [("worker", "w")], factory: registry) }
        for (lane, values) in zip(lanes, [[3, 5], [4, 1]]) { values.forEach(lane.record) }
        lanes[0].record(2)
        #expect(registry.text().contains("held{worker=\"w\"} 3.0"))
    }
}
