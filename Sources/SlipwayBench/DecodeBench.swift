import CloudEvents
import Domain
import Foundation
import JSON
import Kafka
import WorkerRuntime

/// Decoding as the handler sees it, with and without checking signatures; encoding of a status event.
enum DecodeBench {
    static func run(count: Int) throws -> [BenchReport.Row] {
        let fleetKey = try FleetKey(base64: FleetKey.random())
        var load = ResourceLoad(fleetKey: fleetKey)
        let views = (0..<1000).map { _ in
            let record = load.next()
            return KafkaMessageView(
                topic: "resource.changes",
                key: record.key.map { String(decoding: $0, as: UTF8.self) },
                headers: record.headers.map { ($0.name, $0.text ?? "") },
                value: record.value
            )
        }
        let trusting = ResourceHandler(fleetKey: fleetKey, verifier: Trusting())
        let checking = ResourceHandler(fleetKey: fleetKey)
        return [
            BenchReport.Row("decode a resource change (560 B)", try rate(count, views, trusting), "messages/s"),
            BenchReport.Row("decode and check the signature", try rate(count / 4, views, checking), "messages/s"),
            BenchReport.Row("encode a status event", encodeRate(count / 4), "messages/s"),
        ]
    }

    private static func rate(_ count: Int, _ views: [KafkaMessageView], _ handler: ResourceHandler) throws -> Double {
        let began = ContinuousClock.now
        var done = 0
        while done < count {
            for view in views {
                do { _ = try handler.decode(view) } catch { throw StartError("\(error)") }
            }
            done += views.count
        }
        return Double(done) / (ContinuousClock.now - began).seconds
    }

    private static func encodeRate(_ count: Int) -> Double {
        let began = ContinuousClock.now
        var bytes = 0
        for number in 0..<count {
            let data = JSONWriter.object { json in
                json.member("cluster", "bench")
                json.member("namespace", "bench-1")
                json.member("name", "app-1")
                json.member("health", "healthy")
                json.member("revision", number)
            }
            let record = OutboxRecord(
                topic: "resource.status",
                key: "bench/bench-1/Deployment/app-1",
                event: OutgoingEvent(
                    id: "\(number)",
                    type: "slipway.resource.status.v1",
                    source: "/slipway/bench",
                    subject: nil,
                    time: 1_700_000_000_000_000,
                    data: data
                )
            )
            bytes += record.value?.count ?? 0
        }
        return bytes > 0 ? Double(count) / (ContinuousClock.now - began).seconds : 0
    }

    private struct Trusting: SignatureVerifier {
        func verify(_ message: KafkaMessageView, from cluster: String) throws(Reason) -> Int32 { 1 }
    }
}
