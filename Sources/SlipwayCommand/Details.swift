import ArgumentParser
import Domain
import Foundation
import Postgres

/// What can be told beside the newest commands of an instance or an environment.
struct DetailOptions: ParsableArguments {
    @Flag(help: "Show the stages of releases: hook Jobs, how they went and what they wrote.")
    var stages = false
    @Flag(help: "Show what Kubernetes told of the objects: its newest Events.")
    var events = false
    @Flag(help: "Show the values of each deployment, and what differs from the one before; nothing confidential.")
    var values = false
    @Flag(help: "Show everything that was asked for, by whom, and how it ended.")
    var operations = false
}

/// A stage of a release.
struct StageDetail: Encodable {
    let operation: String
    let generation: Int64
    let stage: String
    let kind: String?
    let state: String?
    let began: String?
    let ended: String?
    let output: String?
    let truncated: Bool
}

/// A Kubernetes Event.
struct EventDetail: Encodable {
    let lastTime: String
    let type: String
    let object: String
    let reason: String
    let message: String
    let count: Int32
}

/// A deployment with its values.
struct DeploymentDetail: Encodable {
    let generation: Int64
    let operation: String
    let version: String
    let caller: String
    let at: String
    let outcome: String?
    /// Every value by its path; none where this version cannot read them, and nothing confidential.
    let values: [ShownValue]?
    /// What differs from the deployment before; none where this version cannot read it.
    let differences: [ShownValue]?
}

/// A command of the operation log.
struct OperationDetail: Encodable {
    let began: String
    let ended: String?
    let operation: String
    let subject: String
    let caller: String
    let state: String
    let reason: String?
    let command: String
}

/// The details of one place, as far as they were asked for.
struct Details: Encodable {
    var stages: [StageDetail]?
    var events: [EventDetail]?
    var deployments: [DeploymentDetail]?
    var operations: [OperationDetail]?

    func print(_ terminal: Terminal) {
        if let stages {
            terminal.table(
                ["STAGE", "KIND", "OF", "STATE", "BEGAN", "ENDED"],
                stages.map {
                    [
                        $0.stage, $0.kind ?? "", "\($0.operation) \($0.generation)", $0.state ?? "?", $0.began ?? "",
                        $0.ended ?? "",
                    ]
                }
            )
            for stage in stages {
                guard let output = stage.output else { continue }
                terminal.line(terminal.paint("output of \(stage.stage)", .bold) + (stage.truncated ? " (its end)" : ""))
                for line in output.split(separator: "\n", omittingEmptySubsequences: false) {
                    terminal.line("  " + Terminal.plain(String(line), isText: true))
                }
            }
            if stages.isEmpty { terminal.line("no release had a stage") }
        }
        if let events {
            terminal.table(
                ["LAST", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE"],
                events.map { [$0.lastTime, $0.type, $0.reason, $0.object, "\($0.count)", $0.message] }
            )
            if events.isEmpty { terminal.line("Kubernetes told of no event") }
        }
        for deployment in deployments ?? [] {
            terminal.line(
                "\(terminal.paint("deployment \(deployment.generation)", .bold)) of \(deployment.version) by "
                    + "\(deployment.caller), \(deployment.at): \(terminal.state(deployment.outcome ?? "open"))"
            )
            if deployment.values == nil || deployment.differences == nil {
                terminal.line(terminal.paint("  its values cannot be read by this version of slipway", .yellow))
            }
            for change in deployment.differences ?? [] {
                let words = "  \(change.path): \(change.old ?? "nothing") → \(change.value ?? "nothing")"
                terminal.line(Terminal.plain(words, isText: true))
            }
            for value in deployment.values ?? [] {
                terminal.line(Terminal.plain("    \(value.path) = \(value.value ?? "")", isText: true))
            }
        }
        if deployments?.isEmpty == true { terminal.line("nothing was deployed") }
        if let operations {
            terminal.table(
                ["BEGAN", "ENDED", "OPERATION", "SUBJECT", "CALLER", "STATE", "REASON"],
                operations.map {
                    [$0.began, $0.ended ?? "", $0.operation, $0.subject, $0.caller, $0.state, $0.reason ?? ""]
                }
            )
            if operations.isEmpty { terminal.line("nothing was asked for") }
        }
    }
}
