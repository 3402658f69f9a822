import CloudEvents
public import Domain
public import Kafka

/// Turns an agent's messages into signed CloudEvents in binary mode.
public struct MessageSigner: Sendable {
    private let key: SigningKey
    private let keyID: Int32
    private let source: String
    private let topicPrefix: String

    /// Makes a signer for one cluster.
    public init(cluster: String, key: SigningKey, keyID: Int32, topicPrefix: String) {
        self.key = key
        self.keyID = keyID
        self.topicPrefix = topicPrefix
        source = "/clusters/\(cluster)/agent"
    }

    /// The record to send; the same message gives the same bytes.
    public func record(of message: AgentMessage) -> KafkaRecord {
        let time = RFC3339.format(microseconds: message.time)
        let parts = message.data.withUnsafeBytes { value in
            SignedParts(
                .fromAgent,
                topic: message.topic,
                key: message.key,
                type: message.type,
                source: source,
                id: message.id,
                subject: nil,
                time: time,
                epoch: message.epoch,
                sequence: message.sequence,
                value: value
            )
        }
        var headers = [
            KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_id", message.id), KafkaHeader("ce_source", source),
            KafkaHeader("ce_type", message.type), KafkaHeader("ce_time", time),
            KafkaHeader("content-type", "application/json"), KafkaHeader("ce_epoch", String(message.epoch)),
            KafkaHeader("ce_sequence", String(message.sequence)),
        ]
        if let instance = message.instance { headers.append(KafkaHeader("ce_instance", instance)) }
        headers.append(KafkaHeader(MessageSignature.header, key.sign(parts, keyID: keyID)))
        return KafkaRecord(
            topic: topicPrefix + message.topic,
            key: Array(message.key.utf8),
            value: message.data,
            headers: headers
        )
    }
}
