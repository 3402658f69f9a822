import ArgumentParser
import Dispatch
import Domain
import Foundation
import Kafka
import WorkerRuntime

struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a container's log: the last lines, those of its previous run, or new ones as they come.",
        discussion: """
            Sends container.logs and prints what comes on container.logs. Ctrl-C has the agent end the log; the second
            Ctrl-C does not wait for it, and the log ends by its limit. What is followed without --seconds goes on as long
            as this command says that it listens: a minute after it is gone the log ends.
            """
    )

    @Argument(help: "The pod as project/environment/pod; 'slipway containers' lists them.")
    var place: String
    @Option(name: .shortAndLong, help: "The container; the pod's main one otherwise.")
    var container: String?
    @Flag(name: .shortAndLong, help: "Print new lines as they come.")
    var follow = false
    @Option(help: "How many of the newest lines; all otherwise.")
    var lines: Int?
    @Option(help: "How long to follow, in seconds, at most 3600; until Ctrl-C, or 16 MiB, otherwise.")
    var seconds: Int?
    @Flag(help: "The run before the present one.")
    var previous = false
    @Option(help: "A file with the token that proves who asks; SLIPWAY_TOKEN holds the token itself.")
    var tokenFile: String?
    @OptionGroup var connection: ConnectionOptions

    /// How long a log goes on after the newest word that somebody listens, and how often that is said.
    private static let wordSeconds = 60
    /// The most that a log may have.
    private static let mostBytes = 16 << 20
    private static let wordPause = Duration.seconds(20)
    /// How long a log may be followed without a new word.
    private static let secondsRange = 1...3600
    private var isOpenEnded: Bool { follow && seconds == nil }

    func validate() throws {
        let known = Self.secondsRange
        guard let seconds, !known.contains(seconds) else { return }
        throw ValidationError(
            "'--seconds \(seconds)' should be a number from \(known.lowerBound) to \(known.upperBound)."
        )
    }

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
            source.setEventHandler {
                // The second time it ends without waiting for the agent.
                if interrupted.isSet { _exit(128 + number) }
                interrupted.set()
            }
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
        var follower = LogFollower(request: request)
        var isEnding = false
        var patience = ContinuousClock.now + .seconds((seconds ?? 300) + 120)
        var nextWord = ContinuousClock.now + Self.wordPause
        while ContinuousClock.now < patience {
            // A request that is not accepted yet is waited for: its log would run to its limit with nobody there.
            if interrupted.isSet, !isEnding, let command = follower.command {
                isEnding = true
                let cancel = ["project": parts[0], "environment": parts[1], "command": command]
                try sender.send(try outgoing("command.cancel", cancel))
            }
            if isOpenEnded, !isEnding, let command = follower.command, .now >= nextWord {
                nextWord = .now + Self.wordPause
                patience = .now + .seconds(300)
                let place: [String: Any] = ["project": parts[0], "environment": parts[1]]
                let word = place.merging(["command": command, "seconds": Self.wordSeconds]) { $1 }
                try sender.send(try outgoing("container.listen", word))
            }
            guard let message = try reader.next(timeout: .milliseconds(200)) else { continue }
            for event in follower.take(message) {
                switch event {
                case .lines(let lines, let isCut):
                    for line in lines { Terminal().line(line) }
                    if isCut { note("some of the log was left out") }
                case .gap: note("some of the log did not arrive")
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
        if isOpenEnded { (fields["seconds"], fields["bytes"]) = (Self.wordSeconds, Self.mostBytes) }
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
