import Foundation
import Kafka
import WorkerRuntime

/// Sends the demo's requests one by one and waits for what becomes of each.
final class DemoRequests {
    private let world: DemoWorld
    private let terminal: Terminal
    private let stop: DemoStop
    private let limit: Duration
    private let prefix = "slipway."
    private let reader: KafkaReader
    private let sender: MessageSender

    init(world: DemoWorld, terminal: Terminal, stop: DemoStop, limit: Duration) throws {
        self.world = world
        self.terminal = terminal
        self.stop = stop
        self.limit = limit
        reader = try KafkaReader(world.kafka)
        try reader.read([prefix + "deployment.results"], fromBeginning: false)
        sender = try MessageSender(world.kafka, prefix: prefix)
    }

    func close() {
        reader.close()
        sender.close()
    }

    /// Asks for something and shows that it was done.
    ///
    /// - Throws: ``StartError`` where it ended otherwise.
    func ask(_ what: String, _ fields: [String], _ words: String, as caller: String = DemoWorld.owner) throws {
        let began = ContinuousClock.now
        let result = try outcome(of: what, fields, as: caller)
        guard result.state == "succeeded" else {
            throw StartError("\(what) ended as \(result.state): \(result.reason?.message ?? "")")
        }
        show("✓", .green, words, after: began)
    }

    /// Asks for something that is to be refused, and shows why it is.
    ///
    /// - Throws: ``StartError`` where it was not refused with that code.
    func askInVain(_ what: String, _ fields: [String], _ words: String, as caller: String, code: String) throws {
        let began = ContinuousClock.now
        let result = try outcome(of: what, fields, as: caller)
        guard result.state == "rejected", let reason = result.reason, reason.code == code else {
            throw StartError("\(what) should have been refused as \(code), but it ended as \(result.state).")
        }
        show("✗", .yellow, "\(words): \(reason.message)", after: began)
    }

    /// Publishes a release and waits for the end of what a rule makes of it.
    func release(_ artifact: String, _ version: String, deploys: Bool, _ words: String) throws {
        let began = ContinuousClock.now
        let event = try Outgoing(
            what: "artifact.published",
            set: [],
            file: nil,
            purl: "pkg:oci/\(artifact)?repository_url=registry.example/shop/\(artifact)&tag=\(version)",
            source: "/pipelines/\(artifact)",
            id: UUID().uuidString.lowercased()
        )
        try sender.send(event)
        if deploys {
            let result = try end { $0.request.source == "/slipway/release-worker" }
            guard result.state == "succeeded" else {
                throw StartError("\(artifact) \(version) ended as \(result.state): \(result.reason?.message ?? "")")
            }
        }
        show("✓", .green, words, after: began)
    }

    private func show(_ sign: String, _ colour: Terminal.Colour, _ words: String, after began: ContinuousClock.Instant)
    {
        let took = terminal.paint((ContinuousClock.now - began).inSeconds, .dim)
        terminal.line("\(terminal.paint(sign, colour)) \(took)  \(words)")
    }

    private func outcome(of what: String, _ fields: [String], as caller: String) throws -> ResultMessage {
        let id = UUID().uuidString.lowercased()
        var outgoing = try Outgoing(what: what, set: fields, file: nil, purl: nil, source: "/demo", id: id)
        outgoing.token = world.tokens[caller]
        try sender.send(outgoing)
        return try end { $0.request.id == id }
    }

    /// Waits for the last result of a request.
    private func end(_ isMine: (ResultMessage) -> Bool) throws -> ResultMessage {
        let began = ContinuousClock.now
        while ContinuousClock.now - began < limit {
            try stop.check()
            try world.checkChildren()
            guard let message = try reader.next(timeout: .milliseconds(100)), let result = ResultMessage(message),
                isMine(result)
            else { continue }
            switch result.state {
            case "succeeded", "rejected", "failed", "timed_out", "superseded", "canceled": return result
            default: continue
            }
        }
        throw StartError("a request had no result within \(limit).")
    }
}
