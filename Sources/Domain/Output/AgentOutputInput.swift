internal import CloudEvents
internal import JSON
import WorkerRuntime

/// A message of `agent.output` as it was read: what is for people to read.
public struct AgentOutputInput: Sendable {
    enum Body: Sendable {
        case stage(StageOutput)
        case event(KubernetesEvent)
    }

    /// The cluster, the first part of the key.
    let cluster: String
    /// The namespace, its second part.
    let namespace: String
    let keyID: Int32
    let epoch: Int64
    /// Its place among what one boot says under one key.
    let sequence: Int64
    let body: Body
}

/// Turns messages of `agent.output` into inputs; what is not signed by its cluster is dead-lettered.
struct AgentOutputDecoder {
    private let parser = JSONParser()
    private let signatures: AgentSignatures

    init(signatures: AgentSignatures) {
        self.signatures = signatures
    }

    func decode(_ message: KafkaMessageView) throws(Refusal) -> AgentOutputInput {
        do {
            let parts = (message.key ?? "").split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard (2...3).contains(parts.count), !parts[0].isEmpty, !parts[1].isEmpty else {
                throw Reason(
                    code: "invalid_key",
                    sentence: "The message's key should be 'cluster/namespace' or 'cluster/namespace/instance'.",
                    field: "key"
                )
            }
            let keyID = try signatures.verify(message, from: parts[0])
            guard let epoch = message.header("ce_epoch").flatMap(DecimalDigits.numberFromZero) else {
                throw Reason(
                    code: "invalid_attribute",
                    sentence: "'ce_epoch' is missing or no whole number; the fleet gives it with its welcome.",
                    field: "ce_epoch"
                )
            }
            guard let sequence = message.header("ce_sequence").flatMap(DecimalDigits.numberFromZero), sequence >= 1
            else {
                throw Reason(
                    code: "invalid_attribute",
                    sentence: "'ce_sequence' is missing or no whole number from 1; each message of a key has the next.",
                    field: "ce_sequence"
                )
            }
            let event = try CloudEvent(message, parser: parser)
            return AgentOutputInput(
                cluster: parts[0],
                namespace: parts[1],
                keyID: keyID,
                epoch: epoch,
                sequence: sequence,
                body: try body(event, namespace: parts[1])
            )
        } catch let error as CloudEventError {
            throw .deadLetter(Reason(code: error.code, sentence: error.sentence, field: error.field))
        } catch let reason as Reason {
            throw .deadLetter(reason)
        } catch {
            throw .deadLetter(Reason(code: "invalid_message", sentence: "The message could not be read."))
        }
    }

    private func body(_ event: CloudEvent, namespace: String) throws -> AgentOutputInput.Body {
        switch event.type {
        case AgentOutputType.stageOutput:
            return .stage(try event.decode(StageOutput.self, parser: parser))
        case AgentOutputType.event:
            let event = try event.decode(KubernetesEvent.self, parser: parser)
            guard event.namespace == namespace else {
                throw Reason(
                    code: "key_mismatch",
                    sentence: "The key names another namespace than 'namespace'; both should be the same.",
                    field: "namespace"
                )
            }
            return .event(event)
        default:
            throw Reason(
                code: "unknown_type",
                sentence: "The type '\(event.type.prefix(80))' is nothing that agents say here.",
                field: "ce_type"
            )
        }
    }
}
