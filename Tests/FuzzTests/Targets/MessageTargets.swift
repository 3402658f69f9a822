import CloudEvents
import Domain
import Foundation
import Kafka
import WorkerRuntime

@testable import ClusterAgent
@testable import Domain

/// No message ends a worker: it is read, or refused with a code and a sentence.
extension FuzzTarget {
    static let messages = [
        requests, clearText, releaseEvents, agentStatus, agentOutput, resourceChanges, agentCommands,
    ]

    private static func fleetKey() throws -> FleetKey {
        try FleetKey(base64: Data(repeating: 7, count: 32).base64EncodedString())
    }

    /// What people and programs are told has a code in the usual form and a sentence that is not the whole input.
    static func check(_ reason: Reason) throws(FuzzFault) {
        guard !reason.code.isEmpty, reason.code.utf8.allSatisfy({ $0 == 0x5F || (0x30...0x7A).contains($0) }) else {
            throw FuzzFault("a reason has the code '\(reason.code)'")
        }
        guard !reason.sentence.isEmpty, reason.sentence.utf8.count < 4_000 else {
            throw FuzzFault("'\(reason.code)' has a sentence of \(reason.sentence.utf8.count) bytes")
        }
    }

    /// Of the decoder of a topic.
    private static func topic(
        _ topic: String,
        _ decoder: @escaping @Sendable () throws -> (HostileMessage) throws -> Void
    ) -> FuzzTarget {
        FuzzTarget(topic, examples: { try Corpus.messages(topic) }) {
            let decode = try decoder()
            return { bytes in
                do { try decode(HostileMessage(bytes)) } catch let refusal as Refusal { try check(refusal.reason) }
            }
        }
    }

    private static let requests = topic("deployment.requests") {
        let decoder = RequestDecoder(requestKey: try fleetKey().requestKey, callers: Anyone())
        return { message in
            if case .failure(let reason) = try decoder.decode(message.view("deployment.requests")).body {
                try check(reason)
            }
        }
    }

    private static let clearText = FuzzTarget(
        "clear-text",
        examples: { try Corpus.messages("deployment.requests") + Corpus.messages("release.events") }
    ) {
        { bytes in
            let message = HostileMessage(bytes).view("deployment.requests")
            _ = ClearText.removed(from: message)
            _ = ClearText.removedPasswords(from: message)
        }
    }

    private static let releaseEvents = topic("release.events") {
        let decoder = ReleaseEventDecoder()
        return { message in
            if case .failure(let reason) = try decoder.decode(message.view("release.events")).content {
                try check(reason)
            }
        }
    }

    /// Of a topic on which agents speak: as the agent of the cluster in the message's key signs it.
    private static func fromAgents(
        _ name: String,
        _ decoder: @escaping @Sendable (AgentSignatures) -> (KafkaMessageView) throws -> Void
    ) -> FuzzTarget {
        topic(name) {
            let key = try fleetKey()
            let decode = decoder(AgentSignatures(key))
            return { message in
                let cluster = (message.key ?? "").split(separator: "/").first.map(String.init) ?? ""
                let signed = message.signed(.fromAgent, topic: name, with: key.clusterKey(cluster, keyID: 1))
                try decode(signed.view(name))
            }
        }
    }

    private static let agentStatus = fromAgents("agent.status") { signatures in
        let decoder = AgentStatusDecoder(signatures: signatures)
        return { _ = try decoder.decode($0) }
    }

    private static let agentOutput = fromAgents("agent.output") { signatures in
        let decoder = AgentOutputDecoder(signatures: signatures)
        return { _ = try decoder.decode($0) }
    }

    /// With the health of what it holds.
    private static let resourceChanges = fromAgents("resource.changes") { signatures in
        let decoder = ResourceDecoder(verifier: signatures)
        return { if case .unreadable(_, let reason) = try decoder.decode($0).fact { try check(reason) } }
    }

    private static let agentCommands = topic("agent.commands") {
        let topic = "agent.commands.eu-1"
        let key = try fleetKey().clusterKey("eu-1", keyID: 1)
        let reader = CommandReader(keys: [1: key], topic: topic)
        return { message in
            let signed = message.signed(.toAgent, topic: topic, with: key)
            let read = KafkaMessage(
                topic: topic,
                key: signed.key.map { Array($0.utf8) },
                value: signed.data,
                headers: signed.headers.map { KafkaHeader($0.0, $0.1) }
            )
            do throws(CommandReader.Refusal) { _ = try reader.read(read) } catch {
                guard !error.sentence.isEmpty else { throw FuzzFault("a refused command has no sentence") }
            }
        }
    }
}

/// Lets everybody in: what is fuzzed is the body.
private struct Anyone: CallerSource {
    func caller(of message: KafkaMessageView) throws(CallerError) -> Caller { Caller("ada") }
}
