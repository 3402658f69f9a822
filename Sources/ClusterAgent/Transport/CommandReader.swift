import Domain
import Foundation
import JSON
import Kafka

/// Reads and checks the messages of one cluster's command topic.
final class CommandReader {
    private let keys: [Int32: SigningKey]
    private let topic: String
    private let parser = JSONParser()

    /// Why a message is not followed: a sentence for operators, without anything of the message's value.
    struct Refusal: Error {
        let sentence: String
    }

    /// - Parameters:
    ///   - keys: The cluster's keys by their numbers: one, or two while they are rotated.
    ///   - topic: The logical topic, which signatures cover.
    init(keys: [Int32: SigningKey], topic: String) {
        self.keys = keys
        self.topic = topic
    }

    /// The command that a message carries; `nil` for a type of a later version, which is passed over.
    ///
    /// - Throws: ``Refusal`` when the fleet did not sign it, or its data cannot be read.
    func read(_ message: KafkaMessage) throws(Refusal) -> AgentCommand? {
        let signature = message.header(MessageSignature.header).flatMap { MessageSignature($0) }
        if let signature, keys[signature.keyID] == nil {
            throw Refusal(
                sentence: "The message is signed with key \(signature.keyID), which this agent does not have."
            )
        }
        guard let type = message.header("ce_type"), let signature, isSigned(message, type: type, signature) else {
            throw Refusal(sentence: "The message is not signed with this cluster's key; it is not followed.")
        }
        let place = CommandPlace(partition: message.partition, offset: message.offset)
        let epoch = message.header("ce_epoch").flatMap { Int64($0) }
        return try content(of: message, type: type).map { AgentCommand($0, at: place, epoch: epoch) }
    }

    private func isSigned(_ message: KafkaMessage, type: String, _ signature: MessageSignature) -> Bool {
        guard let key = keys[signature.keyID], let messageKey = message.key,
            let source = message.header("ce_source"), let id = message.header("ce_id")
        else { return false }
        let parts = message.withValue { value in
            SignedParts(
                .toAgent,
                topic: topic,
                key: messageKey,
                type: type,
                source: source,
                id: id,
                subject: message.header("ce_subject"),
                time: message.header("ce_time"),
                epoch: message.header("ce_epoch").flatMap { Int64($0) },
                sequence: message.header("ce_sequence").flatMap { Int64($0) },
                value: value
            )
        }
        return parts.map { key.verifies(signature, of: $0) } ?? false
    }

    private func content(of message: KafkaMessage, type: String) throws(Refusal) -> AgentCommand.Content? {
        switch type {
        case AgentCommandType.welcomed: .welcomed(try data(of: message))
        case AgentCommandType.superseded: .superseded(try data(of: message))
        case AgentCommandType.namespaceRequested: .work(.namespace(try data(of: message)))
        case AgentCommandType.namespaceRemovalRequested: .work(.namespaceRemoval(try data(of: message)))
        case AgentCommandType.releaseRequested: .work(.release(try data(of: message)))
        case AgentCommandType.removalRequested: .work(.removal(try data(of: message)))
        case AgentCommandType.objectsRequested: .work(.objects(try data(of: message)))
        case AgentCommandType.logsRequested: .work(.log(try data(of: message)))
        case AgentCommandType.logListened: .logListened(try data(of: message))
        case AgentCommandType.withdrawn: .withdrawn(try data(of: message))
        case AgentCommandType.snapshotRequested:
            .snapshotRequested(namespace: try (data(of: message) as SnapshotRequested).namespace)
        case AgentCommandType.helloRequested: .helloRequested
        default: nil
        }
    }

    private func data<T: Decodable>(of message: KafkaMessage) throws(Refusal) -> T {
        let bytes = message.valueBytes ?? []
        do {
            try parser.validate(bytes)
            return try JSONDecoder().decode(T.self, from: Data(bytes))
        } catch let error as JSONError {
            throw Refusal(sentence: error.sentence)
        } catch {
            throw Refusal(sentence: "The data has not the fields that its type asks for.")
        }
    }
}
