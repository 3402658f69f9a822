import ArgumentParser
import Domain
import Foundation
import Kafka
import WorkerRuntime

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a deployment request or a release event, wait for the result and show the steps.",
        discussion: """
            slipway send instance.deploy --set project=shop --set environment=staging --set application=web \\
                --set version=1.4.2 --set instance=web-1
            slipway send artifact.published --purl 'pkg:oci/web?repository_url=registry.example/shop/web&tag=1.4.2'
            slipway send instance.deploy --file request.json
            """
    )

    @Argument(
        help:
            "What: a request, such as environment.create or instance.deploy (README.md lists them), or release.published, artifact.published or artifact.packaged."
    )
    var what: String
    @Option(help: "A field of the data as name=text, or name:=JSON for what is no text; may be repeated.")
    var set: [String] = []
    @Option(help: "A file with the JSON data.")
    var file: String?
    @Option(help: "The package URL of an artifact, for artifact.published and artifact.packaged.")
    var purl: String?
    @Option(help: "Who sends it.")
    var source = "/slipway-cli"
    @Option(help: "The event's id; a fresh one otherwise. The same id is done once.")
    var id: String = UUID().uuidString.lowercased()
    @Option(help: "A file with the token that proves who sends it; SLIPWAY_TOKEN holds the token itself.")
    var tokenFile: String?
    @Option(help: "How many seconds to wait for the end; 0 does not wait.")
    var wait = 120
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard wait >= 0 else {
            throw ValidationError("'--wait \(wait)' should be a number of seconds; 0 does not wait.")
        }
    }

    func run() throws {
        var outgoing = try Outgoing(what: what, set: set, file: file, purl: purl, source: source, id: id)
        outgoing.token = try Self.token(tokenFile, connection.settings)
        let kafka = try connection.kafka()
        let prefix = connection.settings.topicPrefix
        let follower = outgoing.isRequest && wait > 0 ? try KafkaReader(kafka) : nil
        try follower?.read([prefix + "deployment.results"], fromBeginning: false)
        let sender = try MessageSender(kafka, prefix: prefix)
        try sender.send(outgoing)
        sender.close()
        guard let follower else {
            if !output.json { Terminal().line("sent \(outgoing.type) with id \(id)") }
            return
        }
        try follow(outgoing, follower)
    }

    /// A flag would show the token to everybody who lists processes.
    static func token(_ file: String?, _ settings: Settings) throws -> String? {
        guard let file else { return settings.text("TOKEN") }
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw ValidationError("'--token-file' is '\(file)', which cannot be read.")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func follow(_ outgoing: Outgoing, _ reader: KafkaReader) throws {
        let terminal = Terminal()
        let began = ContinuousClock.now
        if !output.json { terminal.line("sent \(outgoing.type) with id \(id)") }
        while ContinuousClock.now - began < .seconds(wait) {
            guard let message = try reader.next(timeout: .milliseconds(200)),
                let result = ResultMessage(message), result.answers(outgoing)
            else { continue }
            if output.json {
                terminal.line(String(decoding: message.valueBytes ?? [], as: UTF8.self))
            } else {
                terminal.line(result.line(terminal, after: ContinuousClock.now - began))
                for line in result.plan?.lines ?? [] { terminal.line("             \(line)") }
            }
            switch result.state {
            case "succeeded", "planned": return
            case "rejected": throw ExitCode(2)
            case "failed", "timed_out", "superseded", "canceled": throw ExitCode(1)
            default: continue
            }
        }
        FileHandle.standardError.write(
            Data("no end within \(wait) s; 'slipway explain' tells what it waits for\n".utf8)
        )
        throw ExitCode(3)
    }
}

/// A message on `deployment.results` as the command line reads it.
struct ResultMessage: Decodable {
    struct Request: Decodable {
        let source: String
        let id: String
        /// Absent where nobody was verified, and of older workers.
        let caller: String?
    }
    struct Why: Decodable {
        let code: String
        let message: String
    }
    struct Subject: Decodable {
        let kind: String
        let name: String
    }
    let command: String?
    let request: Request
    let subject: Subject
    let state: String
    let revision: Int
    let reason: Why?
    /// Of a dry run.
    let plan: PlannedChange?

    init?(_ message: KafkaMessage) {
        guard let bytes = message.valueBytes, let result = try? JSONDecoder().decode(Self.self, from: Data(bytes))
        else {
            return nil
        }
        self = result
    }

    /// Whether it may answer that request; what somebody else asked under the same source and id does not.
    func answers(_ outgoing: Outgoing) -> Bool {
        guard request.id == outgoing.id, request.source == outgoing.source else { return false }
        guard let caller = outgoing.caller, let named = request.caller else { return true }
        return named == caller
    }

    func line(_ terminal: Terminal, after time: Duration) -> String {
        let why = reason.map { Terminal.plain("  \($0.code): \($0.message)") } ?? ""
        return "\(time.inSeconds)  \(terminal.state(state))\(why)"
    }
}

extension Duration {
    /// `  1.234 s`.
    var inSeconds: String {
        let seconds = Double(components.seconds) + Double(components.attoseconds) / 1e18
        return String(format: "%7.3f s", seconds)
    }
}
