import ArgumentParser
import Dispatch
import Domain
import Foundation
import Kafka
import WorkerRuntime

struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a container's log: the last lines, those of its previous run, or new ones as they come.",
        discussion: "Sends container.logs and prints what comes on container.logs; Ctrl-C ends the log."
    )

    @Argument(help: "The pod as project/environment/pod; 'slipway containers' lists them.")
    var place: String
    @Option(name: .shortAndLong, help: "The container; the pod's main one otherwise.")
    var container: String?
    @Flag(name: .shortAndLong, help: "Print new lines as they come.")
    var follow = false
    @Option(help: "How many of the newest lines; all otherwise.")
    var lines: Int?
    @Option(help: "How long to follow, in seconds, at most 3600.")
    var seconds: Int?
    @Flag(help: "The run before the present one.")
    var previous = false
    @Option(help: "A file with the token that proves who asks; SLIPWAY_TOKEN holds the token itself.")
    var tokenFile: String?
    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let parts = place.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, !parts.contains("") else {
            throw ValidationError("'\(place)' should have the form project/environment/pod.")
        }
        let kafka = try connection.kafka()
        let prefix = connection.settings.topicPrefix
        let reader = try KafkaReader(kafka)
        try reader.read([prefix + "deployment.results", prefix + "container.logs"], fromBeginning: false)
        let sender = try MessageSender(kafka, prefix: prefix)
        defer { sender.close() }
        let request = try outgoing("container.logs", fields(parts))
        try sender.send(request)
        let interrupted = LockedFlag()
        let signals = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { interrupted.set() }
            source.resume()
            return source
        }
        defer { signals.forEach { $0.cancel() } }
        try print(request, parts, from: reader, sender, until: interrupted)
    }

    /// Prints until the log has ended; an interruption has the agent end it.
    private func print(
        _ request: Outgoing,
        _ parts: [String],
        from reader: KafkaReader,
        _ sender: MessageSender,
        until interrupted: LockedFlag
    ) throws {
        var follower = LogFollower(request: request.id)
        var isEnding = false
        var patience = ContinuousClock.now + .seconds((seconds ?? 300) + 120)
        while ContinuousClock.now < patience {
            if interrupted.isSet, !isEnding {
                isEnding = true
                guard let command = follower.command else { return }
                let cancel = ["project": parts[0], "environment": parts[1], "command": command]
                try sender.send(try outgoing("command.cancel", cancel))
            }
            guard let message = try reader.next(timeout: .milliseconds(200)) else { continue }
            for event in follower.take(message) {
                switch event {
                case .lines(let lines, let isCut):
                    for line in lines { Terminal().line(line) }
                    if isCut { note("some of the log was left out") }
                case .ended: return
                // Its last lines may still be on their way, on the other topic.
                case .done: patience = min(patience, ContinuousClock.now + .seconds(5))
                case .refused(let why):
                    note(why)
                    throw ExitCode(2)
                case .failed(let why):
                    note(why)
                    throw ExitCode(1)
                }
            }
        }
        if follower.isDone { return }
        note("the log did not end in time; 'slipway explain' tells what it waits for")
        throw ExitCode(3)
    }

    private func fields(_ parts: [String]) -> [String: Any] {
        var fields: [String: Any] = ["project": parts[0], "environment": parts[1], "pod": parts[2]]
        if let container { fields["container"] = container }
        if let lines { fields["lines"] = lines }
        if follow { fields["follow"] = true }
        if let seconds { fields["seconds"] = seconds }
        if previous { fields["previous"] = true }
        return fields
    }

    private func outgoing(_ what: String, _ fields: [String: Any]) throws -> Outgoing {
        var outgoing = try Outgoing(
            what: what,
            fields: fields,
            source: "/slipway-cli",
            id: UUID().uuidString.lowercased()
        )
        outgoing.token = try Send.token(tokenFile, connection.settings)
        return outgoing
    }

    private func note(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}

/// Picks what belongs to one request out of the results and the logs.
struct LogFollower {
    enum Event: Equatable {
        case lines([String], isCut: Bool)
        /// The log's last message.
        case ended
        /// The command's end in good order.
        case done
        case refused(String)
        case failed(String)
    }

    let request: String
    /// The command that the request became, once it is known.
    private(set) var command: String?
    /// Whether the command has ended in good order.
    private(set) var isDone = false
    /// Logs that came before it was known whose they are.
    private var early: [ContainerLog] = []

    init(request: String) {
        self.request = request
    }

    mutating func take(_ message: KafkaMessage) -> [Event] {
        if message.topicPartition.topic.hasSuffix("container.logs") {
            guard let bytes = message.valueBytes,
                let log = try? JSONDecoder().decode(ContainerLog.self, from: Data(bytes))
            else { return [] }
            return take(log)
        }
        guard let result = ResultMessage(message), result.request.id == request else { return [] }
        return take(result)
    }

    private mutating func take(_ log: ContainerLog) -> [Event] {
        guard let command else {
            if early.count < 1000 { early.append(log) }
            return []
        }
        guard log.command == command else { return [] }
        let lines: [Event] = log.lines.isEmpty && !log.truncated ? [] : [.lines(log.lines, isCut: log.truncated)]
        return lines + (log.ended ? [.ended] : [])
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
