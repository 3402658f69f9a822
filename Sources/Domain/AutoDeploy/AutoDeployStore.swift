internal import Postgres
import WorkerRuntime

/// The auto-deploy rules as the database keeps them.
struct AutoDeployStore {
    /// The rules that wait for versions of an artifact, locked in the order of their rows.
    func rules(for artifact: String, in transaction: borrowing PostgresTransaction) throws -> [AutoDeployRule] {
        try transaction.query(
            """
            select r.id, e.project, e.environment, r.application, r.instance, r.versions, r.branches, r."values",
                r.creator, r.enabled, i.desired_version, a.chart_name is not null, r.fired_version, r.last_version,
                r.last_reason_code
            from auto_deploy_rule r
            join environment e on e.id = r.environment_id
            join application a on a.project = e.project and a.application = r.application
            left join instance i on i.environment_id = r.environment_id and i.instance = r.instance
            where a.artifact = $1
            order by r.id
            for no key update of r
            """,
            [.text(artifact)]
        ).map(Self.rule)
    }

    private static func rule(_ row: PostgresRow) throws -> AutoDeployRule {
        var rule = AutoDeployRule(
            id: try row.int64(0),
            project: try row.string(1),
            environment: try row.string(2),
            application: try row.string(3),
            instance: try row.string(4),
            versions: try row.string(5),
            branches: try row.strings(6),
            values: try row.optionalString(7),
            creator: try row.string(8),
            isEnabled: try row.bool(9),
            desiredVersion: try row.optionalString(10),
            hasChart: try row.bool(11),
            firedVersion: try row.optionalString(12)
        )
        if let version = try row.optionalString(13), let code = try row.optionalString(14) {
            rule.rested = AutoDeployRule.Rest(version: version, code: code)
        }
        return rule
    }

    /// Keeps what a rule decided, so that people can ask why it did not fire.
    func keep(
        _ decision: AutoDeployDecision,
        of rule: AutoDeployRule,
        on version: String,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        var reason: Reason?
        var fired = rule.firedVersion
        switch decision {
        case .fires: fired = version
        case .rests(let why): reason = why
        }
        _ = try transaction.query(
            """
            update auto_deploy_rule
            set fired_version = $2, last_version = $3, last_evaluated = $4, last_reason_code = $5, last_reason = $6
            where id = $1
            """,
            [
                .int64(rule.id), .optionalText(fired), .text(version), .timestamp(now), .optionalText(reason?.code),
                .optionalText(reason?.sentence),
            ]
        )
    }
}
