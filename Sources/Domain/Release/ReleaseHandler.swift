internal import CloudEvents
import Foundation
internal import JSON
public import Logging
public import Postgres
public import WorkerRuntime

/// Records versions and fires auto-deploy rules: what `release-worker` does with `release.events`.
public final class ReleaseHandler: Handler {
    private let decoder = ReleaseEventDecoder()
    private let versions = VersionStore()
    private let rules = AutoDeployStore()
    private let requestKey: SigningKey
    private let logger: Logger

    /// Makes a handler that signs its requests with the fleet's key.
    public init(fleetKey: FleetKey, logger: Logger) {
        requestKey = fleetKey.requestKey
        self.logger = logger
    }

    /// Reads a release event of any shape that is known.
    public func decode(_ message: KafkaMessageView) throws(Refusal) -> ReleaseInput {
        try decoder.decode(message)
    }

    /// A password in an address is left out.
    public func keepable(_ message: KafkaMessageView) -> KafkaMessageView { ClearText.removedPasswords(from: message) }

    /// An event is known by its source and id; its topic stands for who may send it.
    public func inboxKey(of input: ReleaseInput) -> InboxKey? {
        InboxKey(caller: "release.events", source: input.source, id: input.id, digest: input.digest)
    }

    /// Records each version once and lets the rules decide.
    public func handle(_ batch: Batch<ReleaseInput>, in transaction: borrowing PostgresTransaction) throws {
        let artifacts = batch.entries.flatMap { (try? $0.input.content.get().names) ?? [] }
        try rules.lockEnvironments(of: Array(Set(artifacts)), in: transaction)
        // Thrown as the fault of one message, which then waits with its key.
        if let reason = batch.entries.lazy.compactMap(\.input.unavailable).first { throw reason }
        for entry in batch.entries {
            switch entry.admission {
            case .first: entry.outcome = try record(entry.input, batch, in: transaction)
            case .repeated: entry.outcome = .repeated
            case .idReused:
                entry.outcome = .deadLettered(
                    Reason(
                        code: "id_reused",
                        sentence: "Another event had the same source and id; ids must be unique.",
                        field: "ce_id"
                    )
                )
            case .tooOld:
                entry.outcome = .deadLettered(
                    Reason(code: "too_old", sentence: "The event is older than Slipway remembers events.")
                )
            }
        }
    }

    private func record(
        _ input: ReleaseInput,
        _ batch: Batch<ReleaseInput>,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        switch input.content {
        case .failure(let reason):
            logger.info("an event tells of no release: \(reason)", metadata: ["source": "\(input.source)"])
            return .rejected(reason)
        case .success(let release): return try record(release, input, batch, in: transaction)
        }
    }

    /// Records a release under its short name and under its path.
    ///
    /// Where the short name is another repository's, only the applications that name the path are told of it.
    private func record(
        _ release: Release,
        _ input: ReleaseInput,
        _ batch: Batch<ReleaseInput>,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        var outcome: Outcome?
        var refusal: Reason?
        for name in release.names {
            let named = release.named(name)
            switch try versions.record(named, of: input, now: batch.now, in: transaction) {
            case .new:
                try evaluate(named, isNew: true, input, batch, in: transaction)
                outcome = .applied
            case .completed(let completion):
                try evaluate(completion.release, isNew: completion.changesWhatRuns, input, batch, in: transaction)
                outcome = .applied
            case .known: outcome = outcome ?? .repeated
            case .changed(let reason): return .deadLettered(reason)
            case .another(let reason): refusal = reason
            }
        }
        guard let refusal else { return outcome ?? .repeated }
        guard let outcome else { return .deadLettered(refusal) }
        logger.warning(
            "a release is known by its path only: \(refusal)",
            metadata: ["source": "\(input.source)", "version": "\(release.version)"]
        )
        return outcome
    }

    /// Lets every rule of the artifact decide, and keeps why those that rest do.
    ///
    /// - Parameter isNew: Whether there is something to run that was not there before; if not, only the rules that
    ///   have not fired for this version look again.
    private func evaluate(
        _ release: Release,
        isNew: Bool,
        _ input: ReleaseInput,
        _ batch: Batch<ReleaseInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        for rule in try rules.rules(for: release.artifact, in: transaction) {
            if !isNew, rule.firedVersion == release.version { continue }
            let decision = rule.decide(on: release)
            let id = requestID(rule, input)
            let evaluated = AutoDeployEvaluated(
                rule: rule,
                decision: decision,
                version: release.version,
                command: decision == .fires
                    ? InboxKey(caller: AutoDeployStore.source, source: AutoDeployStore.source, id: id, digest: [])
                        .requestID : nil
            )
            switch decision {
            case .fires: batch.outbox.append(request(rule, release.version, id, input, now: batch.now))
            case .rests(let reason): log(rule, reason, release.version)
            }
            if evaluated.isNews {
                batch.outbox.append(
                    evaluated.record(of: (input.source, input.id), now: batch.now, trace: input.trace)
                )
            }
            try rules.keep(evaluated, now: batch.now, in: transaction)
        }
    }

    /// The id of the request that a rule makes of a release.
    private func requestID(_ rule: AutoDeployRule, _ input: ReleaseInput) -> String {
        DerivedID.make("auto-deploy", String(rule.id), input.source, input.id).uuidString.lowercased()
    }

    /// Logs once why a rule rests on a version.
    private func log(_ rule: AutoDeployRule, _ reason: Reason, _ version: String) {
        guard rule.rested != AutoDeployRule.Rest(version: version, code: reason.code) else { return }
        logger.info(
            "an auto-deploy rule rests: \(reason)",
            metadata: [
                "environment": "\(rule.project)/\(rule.environment)", "instance": "\(rule.instance)",
                "version": "\(version)",
            ]
        )
    }

    private func request(_ rule: AutoDeployRule, _ version: String, _ id: String, _ input: ReleaseInput, now: Int64)
        -> OutboxRecord
    {
        let key = rule.key
        let data = JSONWriter.object { json in
            json.member("project", rule.project)
            json.member("environment", rule.environment)
            json.member("application", rule.application)
            json.member("version", version)
            json.member("instance", rule.instance)
            if let values = rule.values { json.member("values", values) }
        }
        let event = OutgoingEvent(
            id: id,
            type: "slipway.instance.deploy.v1",
            source: AutoDeployStore.source,
            subject: "\(key)/\(rule.instance)",
            time: now,
            data: data,
            extensions: [("onbehalfof", rule.creator)],
            trace: input.trace
        )
        return OutboxRecord(
            topic: "deployment.requests",
            key: key,
            event: event.signed(.fleet, topic: "deployment.requests", key: key, with: requestKey, keyID: 1)
        )
    }
}
