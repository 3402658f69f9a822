import ArgumentParser
import CloudEvents
import Domain
import JSON
import Kafka
import WorkerRuntime

/// Paths of a message whose instructions are counted, so that a regression is seen whatever the machine does meanwhile.
enum FixedPath: String, CaseIterable, ExpressibleByArgument {
    /// A resource change, as the handler sees it.
    case decode
    /// The same with its signature checked.
    case check
    /// A status event, as it goes to the outbox.
    case encode

    /// Takes it so many times, and nothing else that grows with the number.
    func run(times: Int) throws {
        let fleetKey = try FleetKey(base64: FleetKey.random())
        var load = ResourceLoad(fleetKey: fleetKey)
        let views = (0..<100).map { _ in KafkaMessageView(of: load.next()) }
        switch self {
        case .decode:
            try Self.decode(views, times, ResourceHandler(fleetKey: fleetKey, verifier: TrustingVerifier()))
        case .check: try Self.decode(views, times, ResourceHandler(fleetKey: fleetKey))
        case .encode: guard Self.encodeStatuses(times) > 0 else { throw StartError("Nothing was encoded.") }
        }
    }

    private static func decode(_ views: [KafkaMessageView], _ times: Int, _ handler: ResourceHandler) throws {
        for number in 0..<times {
            do { _ = try handler.decode(views[number % views.count]) } catch { throw StartError("\(error)") }
        }
    }

    /// Encodes status events; returns the number of bytes.
    static func encodeStatuses(_ count: Int) -> Int {
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
        return bytes
    }
}

/// Believes every sender: what decoding costs without cryptography.
struct TrustingVerifier: SignatureVerifier {
    func verify(_ message: KafkaMessageView, from cluster: String) throws(Reason) -> Int32 { 1 }
}

extension KafkaMessageView {
    /// A message as a lane sees it, without a broker between.
    init(of record: KafkaRecord) {
        let message = KafkaMessage(
            topic: record.topic,
            key: record.key,
            value: record.value,
            headers: record.headers
        )
        self.init(message, topic: "resource.changes")
    }
}
