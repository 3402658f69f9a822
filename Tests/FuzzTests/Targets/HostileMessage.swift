import WorkerRuntime

@testable import Domain

/// A Kafka message as one input: lines `name: value`, of which `key` is its key, an empty line, and its value.
///
/// So that a fuzzer changes keys and headers as it changes values, and a file holds all that a decoder was given.
struct HostileMessage {
    let key: String?
    let headers: [(String, String)]
    let data: [UInt8]

    init(key: String?, headers: [(String, String)], data: [UInt8]) {
        (self.key, self.headers, self.data) = (key, headers, data)
    }

    init(_ bytes: [UInt8]) {
        var headers: [(String, String)] = []
        var key: String?
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            guard !line.isEmpty else { break }
            let name = line.prefix { $0 != UInt8(ascii: ":") }
            let value = line.dropFirst(name.count + 1).drop { $0 == UInt8(ascii: " ") }
            let header = (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
            if header.0 == "key" { key = header.1 } else { headers.append(header) }
        }
        self.init(key: key, headers: headers, data: Array(rest))
    }

    var bytes: [UInt8] {
        let head = (key.map { [("key", $0)] } ?? []) + headers
        return Array(head.map { "\($0.0): \($0.1)\n" }.joined().utf8) + [UInt8(ascii: "\n")] + data
    }

    func header(_ name: String) -> String? { headers.last { $0.0 == name }?.1 }

    /// As a handler sees it.
    func view(_ topic: String) -> KafkaMessageView {
        KafkaMessageView(topic: topic, key: key, headers: headers, value: data)
    }

    /// The same message as somebody who has the key would sign it, so that it is read and not refused at once.
    func signed(
        _ direction: SignedParts.Direction,
        topic: String,
        with signingKey: SigningKey
    ) -> HostileMessage {
        let told = ["ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "ce_subject"]
        let event = OutgoingEvent(
            id: header("ce_id") ?? "",
            type: header("ce_type") ?? "",
            source: header("ce_source") ?? "",
            subject: header("ce_subject"),
            time: 1,
            data: data,
            extensions: headers.filter { $0.0.hasPrefix("ce_") && !told.contains($0.0) }
                .map { (String($0.0.dropFirst(3)), $0.1) }
        ).signed(direction, topic: topic, key: key ?? "", with: signingKey, keyID: 1)
        return HostileMessage(key: key, headers: event.headers, data: data)
    }
}
