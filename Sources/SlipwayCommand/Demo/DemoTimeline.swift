import Foundation
import Kafka

/// Shows what happens as it happens, and how long each step took.
struct DemoTimeline {
    private let terminal: Terminal
    private let began = ContinuousClock.now
    private var steps: [(name: String, at: Duration)] = []
    private(set) var end: String?
    private(set) var reason: String?

    init(terminal: Terminal) {
        self.terminal = terminal
    }

    var elapsed: Duration { ContinuousClock.now - began }

    mutating func note(_ step: String, _ words: String) {
        let now = elapsed
        if !steps.contains(where: { $0.name == step }) { steps.append((step, now)) }
        let name = step.padding(toLength: 15, withPad: " ", startingAt: 0)
        terminal.line("\(terminal.paint(now.inSeconds, .dim))  \(terminal.paint(name, .bold))  \(words)")
    }

    mutating func take(_ message: KafkaMessage, topic: String) {
        let type = message.header("ce_type") ?? ""
        switch topic {
        case "deployment.requests":
            note("request", "the rule asks for it: \(type) as \(message.header("ce_onbehalfof") ?? "")'s")
        case "deployment.results":
            guard let result = ResultMessage(message) else { return }
            takeResult(result)
        case "agent.status" where !type.contains("heartbeat"):
            note("agent", "says \(terminal.paint(word(type), .cyan))")
        case let name where name.hasPrefix("agent.commands."):
            note("agent message", "\(word(type)), signed for the cluster")
        case "instance.status":
            takeStatus(message)
        default: break
        }
    }

    private mutating func takeResult(_ result: ResultMessage) {
        note(result.state, "the command is \(terminal.state(result.state))")
        switch result.state {
        case "succeeded", "failed", "timed_out", "rejected", "superseded", "canceled":
            end = result.state
            reason = result.reason.map { "\($0.message) (\($0.code))" }
        default: break
        }
    }

    private mutating func takeStatus(_ message: KafkaMessage) {
        struct State: Decodable {
            struct Pods: Decodable {
                let ready: Int
                let total: Int
            }
            let state: String
            let health: String
            let healthReason: String?
            let pods: Pods
        }
        guard let bytes = message.valueBytes, let state = try? JSONDecoder().decode(State.self, from: Data(bytes))
        else {
            return
        }
        let why = state.healthReason.map { "  \($0)" } ?? ""
        note(
            state.health == "healthy" ? "healthy" : "instance",
            "\(terminal.state(state.state)), \(terminal.state(state.health)), \(state.pods.ready) of \(state.pods.total) pods ready\(why)"
        )
    }

    private func word(_ type: String) -> String {
        let parts = type.split(separator: ".")
        return parts.count > 2 ? parts[2].replacingOccurrences(of: "_", with: " ") : type
    }

    /// The steps with their times.
    func summarize() {
        let shown = [
            "release event", "request", "accepted", "sent", "acknowledged", "applied", "healthy", "succeeded", "failed",
            "timed_out",
        ]
        var last = Duration.zero
        let rows = shown.compactMap { name in steps.first { $0.name == name } }.map { step in
            defer { last = step.at }
            return [step.name, step.at.inSeconds, (step.at - last).inSeconds]
        }
        terminal.table(["STEP", "AFTER", "TOOK"], rows)
    }
}
