internal import CloudEvents
import Foundation
internal import JSON
import WorkerRuntime

/// A message of an agent as it was read.
public struct AgentStatusInput: Sendable {
    enum Body: Sendable {
        case hello(AgentHello)
        case heartbeat(AgentHeartbeat)
        case acknowledged(AgentAcknowledged)
        case applied(AgentApplied)
        case failed(AgentFailed)
        case progressed(AgentProgressed)
        case drifted(AgentDrifted)
        /// A known type in another version: a newer worker may read it.
        case newer(Reason)

        /// The command that it speaks of.
        var command: UUID? {
            switch self {
            case .hello, .heartbeat, .newer: nil
            case .acknowledged(let body): UUID(uuidString: body.command)
            case .applied(let body): UUID(uuidString: body.command)
            case .failed(let body): UUID(uuidString: body.command)
            case .progressed(let body): UUID(uuidString: body.command)
            case .drifted(let body): UUID(uuidString: body.command)
            }
        }
    }

    /// The cluster, taken from the key alone.
    public let cluster: String
    let keyID: Int32
    let epoch: Int64
    let sequence: Int64
    /// When it was made, by the agent's clock: microseconds since 1970.
    var time: Int64?
    let body: Body
}

/// Turns messages of `agent.status` into inputs; what is not signed by its cluster is dead-lettered.
struct AgentStatusDecoder {
    private let parser = JSONParser()
    private let signatures: AgentSignatures

    init(signatures: AgentSignatures) {
        self.signatures = signatures
    }

    func decode(_ message: KafkaMessageView) throws(Refusal) -> AgentStatusInput {
        do {
            guard let cluster = message.key, !cluster.isEmpty else {
                throw Reason(
                    code: "missing_key",
                    sentence: "The message has no key; it should be the cluster.",
                    field: "key"
                )
            }
            let keyID = try signatures.verify(message, from: cluster)
            let event = try CloudEvent(message, parser: parser)
            return AgentStatusInput(
                cluster: cluster,
                keyID: keyID,
                epoch: try number("ce_epoch", message),
                sequence: try number("ce_sequence", message),
                time: event.time.flatMap(RFC3339.parse),
                body: try body(event)
            )
        } catch let error as CloudEventError {
            throw .deadLetter(Reason(code: error.code, sentence: error.sentence, field: error.field))
        } catch let reason as Reason {
            throw .deadLetter(reason)
        } catch {
            throw .deadLetter(Reason(code: "invalid_message", sentence: "The message could not be read."))
        }
    }

    private func number(_ header: String, _ message: KafkaMessageView) throws -> Int64 {
        guard let number = message.header(header).flatMap(DecimalDigits.numberFromZero) else {
            throw Reason(
                code: "invalid_attribute",
                sentence: "'\(header)' is missing or no whole number of up to 18 digits; agents number their messages.",
                field: header
            )
        }
        return number
    }

    private func body(_ event: CloudEvent) throws -> AgentStatusInput.Body {
        switch event.type {
        case AgentStatusType.hello: .hello(try event.decode(AgentHello.self, parser: parser))
        case AgentStatusType.heartbeat: .heartbeat(try event.decode(AgentHeartbeat.self, parser: parser))
        case AgentStatusType.acknowledged: .acknowledged(try event.decode(AgentAcknowledged.self, parser: parser))
        case AgentStatusType.applied: .applied(try event.decode(AgentApplied.self, parser: parser))
        case AgentStatusType.failed: .failed(try event.decode(AgentFailed.self, parser: parser))
        case AgentStatusType.progressed: .progressed(try event.decode(AgentProgressed.self, parser: parser))
        case AgentStatusType.drifted: .drifted(try event.decode(AgentDrifted.self, parser: parser))
        default: try newer(event.type)
        }
    }

    private func newer(_ type: String) throws -> AgentStatusInput.Body {
        guard case .unknownVersion(let newer) = EventTypeKnowledge(of: type, among: AgentStatusType.known) else {
            throw Reason(
                code: "unknown_type",
                sentence: "The type '\(type.prefix(80))' is nothing that agents say.",
                field: "ce_type"
            )
        }
        return .newer(.unknownVersion(newer))
    }
}
