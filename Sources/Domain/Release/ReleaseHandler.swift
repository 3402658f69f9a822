internal import CloudEvents
import Foundation
internal import JSON
public import Logging
public import Postgres
public import WorkerRuntime

/// Records versions and fires auto-deploy rules: what `release-worker` does with `release.events`.
public final class ReleaseHandler: Handler {
    private let decoder = ReleaseEventDecoder()
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

    /// An event is known by its source and id; its topic stands for who may send it.
    public func inboxKey(of input: ReleaseInput) -> InboxKey? {
        InboxKey(caller: "release.events", source: input.source, id: input.id, digest: input.digest)
    }

    /// Records each version once and lets the rules decide.
    public func handle(_ batch: Batch<ReleaseInput>, in transaction: borrowing PostgresTransaction) throws {
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
        let release = input.release
        let inserted = try transaction.query(
            """
            insert into version (artifact, version, image, digest, chart_repository, chart_name, chart_version, "values",
                commit_id, branch, event_source, event_id, published_at, recorded_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            on conflict (artifact, version) do nothing
            """,
            [
                .text(release.artifact), .text(release.version), .optionalText(release.image),
                .optionalText(release.digest), .optionalText(release.chart?.repository),
                .optionalText(release.chart?.name), .optionalText(release.chart?.version),
                .optionalText(release.values), .optionalText(release.commit), .optionalText(release.branch),
                .text(input.source), .text(input.id), .optionalTimestamp(release.publishedAt), .timestamp(batch.now),
            ]
        )
        guard inserted.affected == 1 else { return try known(release, in: transaction) }
        for rule in try rules(for: release.artifact, in: transaction) {
            switch rule.decide(on: release) {
            case .fires: batch.outbox.append(request(rule, input, now: batch.now))
            case .rests(let reason):
                logger.info(
                    "an auto-deploy rule rests: \(reason)",
                    metadata: ["environment": "\(rule.project)/\(rule.environment)", "instance": "\(rule.instance)"]
                )
            }
        }
        return .applied
    }

    /// The same version twice is one version, unless it is other content under the same name.
    private func known(_ release: Release, in transaction: borrowing PostgresTransaction) throws -> Outcome {
        let stored = try transaction.query(
            "select digest, image from version where artifact = $1 and version = $2",
            [.text(release.artifact), .text(release.version)]
        ).first
        guard let stored, let digest = release.digest, let known = try stored.optionalString(0), digest != known else {
            return .repeated
        }
        return .deadLettered(
            Reason(
                code: "version_changed",
                sentence:
                    "Version \(release.version) of \(release.artifact) is known with another digest; publish a new version instead.",
                field: "digest"
            )
        )
    }

    private func rules(for artifact: String, in transaction: borrowing PostgresTransaction) throws -> [AutoDeployRule] {
        try transaction.query(
            """
            select r.id, e.project, e.environment, r.application, r.instance, r.versions, r."values", r.creator, r.enabled,
                i.desired_version
            from auto_deploy_rule r
            join environment e on e.id = r.environment_id
            join application a on a.project = e.project and a.application = r.application
            left join instance i on i.environment_id = r.environment_id and i.instance = r.instance
            where a.artifact = $1
            order by r.id
            for share of r
            """,
            [.text(artifact)]
        ).map { row in
            AutoDeployRule(
                id: try row.int64(0),
                project: try row.string(1),
                environment: try row.string(2),
                application: try row.string(3),
                instance: try row.string(4),
                versions: try row.string(5),
                values: try row.optionalString(6),
                creator: try row.string(7),
                isEnabled: try row.bool(8),
                desiredVersion: try row.optionalString(9)
            )
        }
    }

    private func request(_ rule: AutoDeployRule, _ input: ReleaseInput, now: Int64) -> OutboxRecord {
        let key = "\(rule.project)/\(rule.environment)"
        let data = JSONWriter.object { json in
            json.member("project", rule.project)
            json.member("environment", rule.environment)
            json.member("application", rule.application)
            json.member("version", input.release.version)
            json.member("instance", rule.instance)
            if let values = rule.values { json.member("values", values) }
        }
        let event = OutgoingEvent(
            id: DerivedID.make("auto-deploy", String(rule.id), input.source, input.id).uuidString.lowercased(),
            type: "slipway.instance.deploy.v1",
            source: "/slipway/release-worker",
            subject: "\(key)/\(rule.instance)",
            time: now,
            data: data,
            extensions: [("onbehalfof", rule.creator)],
            traceparent: input.traceparent
        )
        return OutboxRecord(
            topic: "deployment.requests",
            key: key,
            event: event.signed(.fleet, topic: "deployment.requests", key: key, with: requestKey, keyID: 1)
        )
    }
}
