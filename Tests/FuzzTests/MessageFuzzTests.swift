import CloudEvents
import Foundation
import Kafka
import Testing
import WorkerRuntime

@testable import ClusterAgent
@testable import Domain

/// No message ends a worker: it is read, or refused with a code and a sentence.
@Suite struct MessageFuzzTests {
    private static let fleetKey = try? FleetKey(base64: Data(repeating: 7, count: 32).base64EncodedString())

    private func expectReason(_ reason: Reason) {
        #expect(!reason.code.isEmpty && reason.code.utf8.allSatisfy { $0 == 0x5F || (0x30...0x7A).contains($0) })
        #expect(!reason.sentence.isEmpty && reason.sentence.utf8.count < 4_000, "\(reason.code)")
    }

    /// Feeds a topic's decoder with what its examples become; of ten messages three have a hostile header or key too.
    private func fuzz(_ topic: String, _ decode: (Example, [UInt8]) throws(Refusal) -> Void) throws {
        let examples = try Example.all(topic)
        var fuzzer = Fuzzer(seed: Fuzzing.seed &+ 1)
        try Fuzzing.run(topic, examples.map(\.data)) { data in
            var example = examples.randomElement(using: &fuzzer) ?? examples[0]
            if Int.random(in: 0..<10, using: &fuzzer) < 3 { example = Self.disturb(example, &fuzzer) }
            do throws(Refusal) { try decode(example, data) } catch { expectReason(error.reason) }
        }
    }

    private static func disturb(_ example: Example, _ fuzzer: inout Fuzzer) -> Example {
        func text(_ text: String) -> String {
            String(decoding: fuzzer.mutate(Array(text.utf8), among: [Array("1".utf8)]), as: UTF8.self)
        }
        let place = Int.random(in: 0...example.headers.count, using: &fuzzer)
        let headers = example.headers.enumerated().map { ($1.0, $0 == place ? text($1.1) : $1.1) }
        let key = place == example.headers.count ? text(example.key) : example.key
        return Example(topic: example.topic, key: key, headers: headers, data: example.data)
    }

    private func view(_ example: Example, _ data: [UInt8]) -> KafkaMessageView {
        KafkaMessageView(topic: example.topic, key: example.key, headers: example.headers, value: data)
    }

    /// The message as an agent of the cluster in its key would sign it.
    private func signed(_ example: Example, _ data: [UInt8]) throws -> KafkaMessageView {
        let cluster = example.key.split(separator: "/").first.map(String.init) ?? ""
        let event = OutgoingEvent(
            id: example.header("ce_id") ?? "",
            type: example.header("ce_type") ?? "",
            source: example.header("ce_source") ?? "",
            subject: nil,
            time: 1,
            data: data,
            extensions: [
                ("epoch", example.header("ce_epoch") ?? ""), ("sequence", example.header("ce_sequence") ?? ""),
            ]
        ).signed(
            .fromAgent,
            topic: example.topic,
            key: example.key,
            with: try #require(Self.fleetKey).clusterKey(cluster, keyID: 1),
            keyID: 1
        )
        return KafkaMessageView(topic: example.topic, key: example.key, headers: event.headers, value: data)
    }

    @Test func `requests`() throws {
        let decoder = RequestDecoder(requestKey: try #require(Self.fleetKey).requestKey, callers: Anyone())
        try fuzz("deployment.requests") { example, data throws(Refusal) in
            if case .failure(let reason) = try decoder.decode(view(example, data)).body { expectReason(reason) }
        }
    }

    @Test func `release events`() throws {
        let decoder = ReleaseEventDecoder()
        try fuzz("release.events") { example, data throws(Refusal) in
            if case .failure(let reason) = try decoder.decode(view(example, data)).content { expectReason(reason) }
        }
    }

    @Test func `what agents say`() throws {
        let signatures = AgentSignatures(try #require(Self.fleetKey))
        let (status, output) = (AgentStatusDecoder(signatures: signatures), AgentOutputDecoder(signatures: signatures))
        let resources = ResourceDecoder(verifier: signatures)
        try fuzz("agent.status") { example, data throws(Refusal) in
            if let message = try? signed(example, data) { _ = try status.decode(message) }
        }
        try fuzz("agent.output") { example, data throws(Refusal) in
            if let message = try? signed(example, data) { _ = try output.decode(message) }
        }
        try fuzz("resource.changes") { example, data throws(Refusal) in
            guard let message = try? signed(example, data) else { return }
            if case .unreadable(_, let reason) = try resources.decode(message).fact { expectReason(reason) }
        }
    }

    @Test func `what agents are told`() throws {
        let key = try #require(Self.fleetKey).clusterKey("eu-1", keyID: 1)
        let reader = CommandReader(keys: [1: key], topic: "agent.commands.eu-1")
        let examples = try Example.all("agent.commands")
        try Fuzzing.run("agent.commands", examples.map(\.data)) { data in
            for example in examples {
                let event = OutgoingEvent(
                    id: "1",
                    type: example.header("ce_type") ?? "",
                    source: "/fuzz",
                    subject: nil,
                    time: 1,
                    data: data
                ).signed(.toAgent, topic: "agent.commands.eu-1", key: "eu-1", with: key, keyID: 1)
                let message = KafkaMessage(
                    topic: "agent.commands.eu-1",
                    key: Array("eu-1".utf8),
                    value: data,
                    headers: event.headers.map { KafkaHeader($0.0, $0.1) }
                )
                do throws(CommandReader.Refusal) { _ = try reader.read(message) } catch {
                    #expect(!error.sentence.isEmpty)
                }
            }
        }
    }
}

/// Lets everybody in: what is fuzzed is the body.
private struct Anyone: CallerSource {
    func caller(of message: KafkaMessageView) throws(CallerError) -> Caller { Caller("ada") }
}
