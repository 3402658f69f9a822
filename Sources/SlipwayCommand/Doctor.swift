import ArgumentParser
import Domain
import Foundation
import Identity
import Kafka
import Postgres
import Sealing
import WorkerRuntime

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look whether everything that the fleet needs is there and right.",
        discussion: """
            Checks the configuration of this environment, the broker, the topics, the access control lists, the database \
            with its schema, the clocks, the workers and the agents. Exit code 0 where nothing is wrong, 1 where something \
            is; warnings count as right.
            """
    )

    @OptionGroup var shape: TopicsCommand.Shape
    @OptionGroup var principals: PrincipalOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws { _ = try principals.all(clusters: shape.cluster) }

    func run() throws {
        var findings: [Finding] = []
        findings += configuration(connection.settings)
        findings += broker()
        findings += DatabaseDoctor(connect: { try connection.connect() }).findings()
        if output.json {
            try printJSON(findings)
        } else {
            let terminal = Terminal()
            for finding in findings {
                let colour: Terminal.Colour =
                    finding.verdict == .right ? .green : finding.verdict == .wrong ? .red : .yellow
                terminal.line("\(terminal.paint(finding.verdict.rawValue, colour))  \(finding.what): \(finding.says)")
            }
        }
        if findings.contains(where: { $0.verdict == .wrong }) { throw ExitCode(1) }
    }

    private func configuration(_ settings: Settings) -> [Finding] {
        func has(_ name: String, _ what: String, without: String) -> Finding? {
            settings.text(name) == nil ? Finding(what, .warning, "SLIPWAY_\(name) is not set: \(without)") : nil
        }
        var findings = [
            Finding.of("fleet key", right: "can be read") { _ = try FleetKey(settings) },
            Finding.of("timers", right: "are whole") { _ = try CommandTimers(settings) },
            Finding.of("trusted topics", right: "can be read") { _ = try TrustedTopic.all(settings) },
            tokens(settings),
            has("SEALING_KEYS", "sealing keys", without: "nothing confidential can be taken"),
            has("KEY_RING", "key ring", without: "nothing confidential can be kept"),
            has("ADMINISTRATORS", "administrators", without: "nobody may make projects or register clusters"),
        ].compactMap(\.self)
        if settings.text("SEALING_KEYS") != nil {
            findings.append(Finding.of("sealing keys", right: "can be read") { _ = try SealingKeys.load(settings) })
        }
        if settings.text("KEY_RING") != nil {
            findings.append(Finding.of("key ring", right: "can be read") { _ = try KeyRing.load(settings) })
        }
        if let place = settings.text("TOKEN_KEYS"), !place.hasPrefix("https://"), !place.hasPrefix("http://") {
            findings.append(
                Finding.of("token keys", right: "are a JSON Web Key Set") {
                    struct KeySet: Decodable { let keys: [Key] }
                    struct Key: Decodable { let kty: String }
                    guard let data = FileManager.default.contents(atPath: place) else {
                        throw StartError("The file '\(place)' of SLIPWAY_TOKEN_KEYS cannot be read.")
                    }
                    guard let set = try? JSONDecoder().decode(KeySet.self, from: data), !set.keys.isEmpty else {
                        throw StartError("The file '\(place)' of SLIPWAY_TOKEN_KEYS is no JSON Web Key Set with a key.")
                    }
                }
            )
        }
        return findings
    }

    /// Without the keys of tokens requests come on trusted topics, or no worker decides them.
    private func tokens(_ settings: Settings) -> Finding? {
        guard settings.text("TOKEN_KEYS") == nil else { return nil }
        let hasTrusted = (try? TrustedTopic.all(settings))?.isEmpty == false
        return hasTrusted
            ? Finding("tokens", .warning, "SLIPWAY_TOKEN_KEYS is not set: only requests on trusted topics are taken")
            : Finding("tokens", .wrong, "SLIPWAY_TOKEN_KEYS is not set: deployment-worker does not start")
    }

    private func broker() -> [Finding] {
        do {
            let admin = try KafkaAdmin(try connection.kafka())
            let metadata = try admin.metadata(timeout: .seconds(15))
            let found = Finding("broker", .right, "answers, with \(metadata.topics.count) topics")
            let (faults, blindness) = try TopicsCheck.compare(try shape.definitions(connection.settings), admin)
            var findings = [found] + faults.map { Finding("topics", .wrong, $0) }
            if let blindness {
                let says = "the broker does not tell their properties (\(blindness)); not compared"
                findings.append(Finding("topics", .warning, says))
            }
            if faults.isEmpty { findings.append(Finding("topics", .right, "are as the fleet needs them")) }
            let access = try AccessDoctor(
                connection.settings,
                clusters: shape.cluster,
                principals: try principals.all(clusters: shape.cluster)
            )
            // One that answers no such requests keeps nobody waiting for another one.
            return findings + access.findings(admin, timeout: blindness?.code == .timedOut ? .seconds(1) : .seconds(15))
        } catch {
            return [Finding("broker", .wrong, "\(error)")]
        }
    }
}

/// What was looked at, and how it is.
struct Finding: Encodable, Hashable {
    enum Verdict: String, Encodable {
        case right
        case warning
        case wrong
    }

    let what: String
    let verdict: Verdict
    let says: String

    init(_ what: String, _ verdict: Verdict, _ says: String) {
        (self.what, self.verdict, self.says) = (what, verdict, says)
    }

    /// Right where a look succeeds, wrong with what it throws.
    static func of(_ what: String, right: String, _ look: () throws -> Void) -> Finding {
        do {
            try look()
            return Finding(what, .right, right)
        } catch {
            return Finding(what, .wrong, "\(error)")
        }
    }
}
