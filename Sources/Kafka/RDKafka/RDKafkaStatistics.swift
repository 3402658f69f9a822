import CoreMetrics
import FoundationEssentials

/// Turns librdkafka's periodic statistics into gauges; only made when `statistics.interval.ms` is set.
final class RDKafkaStatistics {
    private let factory: any MetricsFactory
    private var gauges: [String: Gauge] = [:]

    init(_ factory: (any MetricsFactory)?) {
        self.factory = factory ?? MetricsSystem.factory
    }

    /// Reads one report; a report that cannot be read changes nothing and is counted.
    func record(_ json: UnsafeRawBufferPointer) {
        do {
            let report = try JSONDecoder().decode(Report.self, from: Data(json))
            record(report)
        } catch {
            Counter(label: "kafka_client_statistics_unreadable", factory: factory).increment()
        }
    }

    private func record(_ report: Report) {
        let client = [("client", report.name)]
        set("kafka_client_queued_messages", client, report.msg_cnt)
        set("kafka_client_queued_bytes", client, report.msg_size)
        set("kafka_client_waiting_operations", client, report.replyq)
        set("kafka_client_sent_requests", client, report.tx)
        set("kafka_client_received_responses", client, report.rx)
        for (topic, state) in report.topics {
            for (partition, counts) in state.partitions where counts.consumer_lag >= 0 && partition != "-1" {
                let place = [("topic", topic), ("partition", partition)]
                set("kafka_consumer_lag_messages", place, counts.consumer_lag)
                set("kafka_consumer_fetched_messages", place, counts.fetchq_cnt)
            }
        }
    }

    private func set(_ label: String, _ dimensions: [(String, String)], _ value: Int64) {
        let key = dimensions.reduce(into: label) { $0 += "\u{0}" + $1.1 }
        let gauge = gauges[key] ?? Gauge(label: label, dimensions: dimensions, factory: factory)
        gauges[key] = gauge
        gauge.record(value)
    }

    // The names are librdkafka's (STATISTICS.md).
    private struct Report: Decodable {
        let name: String
        let replyq: Int64
        let msg_cnt: Int64
        let msg_size: Int64
        let tx: Int64
        let rx: Int64
        let topics: [String: Topic]
    }

    private struct Topic: Decodable {
        let partitions: [String: Partition]
    }

    private struct Partition: Decodable {
        let consumer_lag: Int64
        let fetchq_cnt: Int64
    }
}
