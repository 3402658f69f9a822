import Foundation
import Testing

/// docs/metrics.md tells of every metric, and of no other.
@Suite struct MetricsDocumentTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The metrics that the sources make, with their types, named as they are served.
    private static func made() throws -> Set<String> {
        let makers = #/(Counter|Gauge|GaugeShare|Meter|Recorder|Timer|counter|set)\((?:label: )?"([a-z]+_[a-z_]+)"/#
        let types = [
            "Counter": "counter", "counter": "counter", "Recorder": "histogram", "Timer": "histogram",
        ]
        var made: Set<String> = []
        for module in ["ClusterAgent", "Domain", "Identity", "Kafka", "Kubernetes", "Postgres", "WorkerRuntime"] {
            let folder = root.appendingPathComponent("Sources/\(module)")
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
            while let file = files?.nextObject() as? URL {
                guard file.pathExtension == "swift" else { continue }
                for match in try String(contentsOf: file, encoding: .utf8).matches(of: makers)
                where ["slipway", "kafka", "messaging"].contains(match.2.prefix { $0 != "_" }) {
                    let type = types[String(match.1)] ?? "gauge"
                    made.insert("\(match.2)\(type == "counter" ? "_total" : "") \(type)")
                }
            }
        }
        return made
    }

    @Test func `every metric is told of, with its type`() throws {
        let text = try String(
            contentsOf: Self.root.appendingPathComponent("docs/metrics.md"),
            encoding: .utf8
        )
        let told = text.matches(of: #/\n\| `([a-z_]+)` \| ([a-z]+) \|/#).map { "\($0.1) \($0.2)" }
        #expect(Set(told).count == told.count)
        let made = try Self.made()
        #expect(made.count > 25)
        #expect(made.subtracting(told).sorted() == [])
        #expect(Set(told).subtracting(made).sorted() == [])
    }
}
