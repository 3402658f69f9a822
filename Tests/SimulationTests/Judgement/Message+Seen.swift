import ClusterAgent

@testable import FleetCheck
@testable import WorkerRuntime

extension Message {
    /// The message as the checker sees it on its topic.
    var seen: SeenMessage {
        var headers: [String: String] = [:]
        var text: String?
        switch body {
        case .request(let request):
            headers = ["ce_id": request.id, "ce_source": Request.source, "ce_type": request.type]
            text = request.text
        case .agent(let message):
            headers = [
                "ce_id": message.id, "ce_source": "/agent", "ce_type": message.type, "ce_epoch": "\(message.epoch)",
                "ce_sequence": "\(message.sequence)",
            ]
            text = String(decoding: message.data, as: UTF8.self)
        case .command(.work(let work), let id):
            headers = ["ce_id": id, "ce_source": "/slipway", "ce_type": "slipway.agent.work_requested.v1"]
            text = #"{"command":"\#(work.mark.command)"}"#
        case .command(_, let id):
            headers = ["ce_id": id, "ce_source": "/slipway", "ce_type": "slipway.agent.v1"]
            text = id
        case .record(let record):
            for (name, value) in record.headers {
                headers[name] = value.flatMap { String(validating: $0, as: UTF8.self) }
            }
            text = record.value.map { String(decoding: $0, as: UTF8.self) }
        }
        return SeenMessage(
            topic: topic,
            partition: Int32(partition),
            offset: offset,
            key: key,
            headers: headers,
            text: text
        )
    }
}
