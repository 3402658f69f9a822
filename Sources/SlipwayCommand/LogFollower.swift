import Domain
import Foundation
import Kafka

/// Picks what belongs to one request out of the results and the logs.
struct LogFollower {
    enum Event: Equatable {
        case lines([String], isCut: Bool)
        /// A message is missing before the next lines.
        case gap
        /// The log's last message.
        case ended
        /// The command's end in good order.
        case done
        case refused(String)
        case failed(String)
    }

    let request: Outgoing
    /// The command that the request became, once it is known.
    private(set) var command: String?
    /// Whether the command has ended in good order.
    private(set) var isDone = false
    /// The number of the newest message that was taken.
    private var sequence: Int64 = 0
    /// Logs that came before it was known whose they are.
    private var early: [ContainerLog] = []

    init(request: Outgoing) {
        self.request = request
    }

    mutating func take(_ message: KafkaMessage) -> [Event] {
        if message.topicPartition.topic.hasSuffix("container.logs") {
            guard let bytes = message.valueBytes,
                let log = try? JSONDecoder().decode(ContainerLog.self, from: Data(bytes))
            else { return [] }
            return take(log)
        }
        guard let result = ResultMessage(message), result.answers(request) else { return [] }
        return take(result)
    }

    private mutating func take(_ log: ContainerLog) -> [Event] {
        guard let command else {
            if early.count < 1000 { early.append(log) }
            return []
        }
        // An agent may send a message again: what was printed is not printed twice.
        guard log.command == command, log.sequence > sequence else { return [] }
        let gap: [Event] = log.sequence > sequence + 1 ? [.gap] : []
        sequence = log.sequence
        let lines: [Event] = log.lines.isEmpty && !log.truncated ? [] : [.lines(log.lines, isCut: log.truncated)]
        return gap + lines + (log.ended ? [.ended] : [])
    }

    private mutating func take(_ result: ResultMessage) -> [Event] {
        let why = result.reason.map { "\($0.code): \($0.message)" } ?? result.state
        switch result.state {
        case "rejected": return [.refused(why)]
        case "failed", "timed_out", "superseded", "canceled": return [.failed(why)]
        case "succeeded": isDone = true
        default: break
        }
        var events: [Event] = []
        if command == nil, let id = result.command {
            command = id
            let waiting = early
            early = []
            for log in waiting { events += take(log) }
        }
        return events + (isDone ? [.done] : [])
    }
}
