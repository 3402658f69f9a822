import Foundation
import Postgres
import WorkerRuntime

/// The auto-deploy rules as the database keeps them.
struct AutoDeployStore {
    /// Who asks when a rule fires.
    static let source = "/slipway/release-worker"
    /// SQL for the rules `r` that wait for versions of an application `a`, with their environments `e`.
    ///
    /// By their keys, whatever the server believes of the tables and whatever else the project deploys by itself.
    private static let waiting = """
        cross join lateral (select id from environment where project = a.project offset 0) e
        cross join lateral (
            select id from auto_deploy_rule where environment_id = e.id and application = a.application offset 0
        ) r
        """

    /// Locks the environments of all rules that wait for versions of these artifacts, in the order of their rows.
    ///
    /// What a rule decides is published under its environment's key.
    func lockEnvironments(of artifacts: [String], in transaction: borrowing PostgresTransaction) throws {
        guard !artifacts.isEmpty else { return }
        try transaction.submit(
            """
            select id from environment
            where id = any(array(select e.id from application a \(Self.waiting) where a.artifact = any($1)))
            order by id for no key update
            """,
            [.array(.texts(artifacts))]
        )
    }

    /// The rules that wait for versions of an artifact, locked in the order of their rows.
    func rules(for artifact: String, in transaction: borrowing PostgresTransaction) throws -> [AutoDeployRule] {
        try transaction.query(
            """
            select r.id, e.project, e.environment, r.application, r.instance, r.versions, r.branches, r."values",
                r.creator, r.enabled, i.desired_version, a.chart_name is not null, r.fired_version, r.last_version,
                r.last_reason_code, r.name, e.state, a.enabled, coalesce(r.last_command_state = 'requested', false),
                i.desired ->> 'image'
            from auto_deploy_rule r
            cross join lateral (select * from environment where id = r.environment_id limit 1) e
            cross join lateral (
                select * from application where project = e.project and application = r.application limit 1
            ) a
            left join lateral (
                select * from instance where environment_id = r.environment_id and instance = r.instance limit 1
            ) i on i.state <> 'deleted'
            where r.id = any(array(select r.id from application a \(Self.waiting) where a.artifact = $1))
                and a.artifact = $1
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
        rule.name = try row.optionalString(15)
        rule.environmentState = EnvironmentState(rawValue: try row.string(16)) ?? .failed
        rule.isApplicationEnabled = try row.bool(17)
        rule.isFiringOpen = try row.bool(18)
        rule.desiredImage = try row.optionalString(19)
        return rule
    }

    /// Keeps what a rule decided, so that people can ask why it did not fire.
    func keep(_ evaluated: AutoDeployEvaluated, now: Int64, in transaction: borrowing PostgresTransaction) throws {
        var reason: Reason?
        var fired = evaluated.rule.firedVersion
        switch evaluated.decision {
        case .fires: fired = evaluated.version
        case .rests(let why): reason = why
        }
        try transaction.submit(
            """
            update auto_deploy_rule r
            set fired_version = $2, last_version = $3, last_evaluated = $4, last_reason_code = $5, last_reason = $6,
                last_command = coalesce(fired.command, r.last_command),
                last_command_state = case when fired.command is null then r.last_command_state
                    else coalesce(ended.state, 'requested') end,
                last_command_reason_code = case when fired.command is null then r.last_command_reason_code
                    else ended.reason_code end,
                last_command_reason = case when fired.command is null then r.last_command_reason else ended.reason end
            -- After a restore the request may have been consumed again before its event, and its command have ended.
            from (values ($7::uuid)) fired(command)
            left join command ended on ended.id = fired.command
                and ended.state not in ('accepted', 'sent', 'acknowledged', 'applied')
            where r.id = $1
            """,
            [
                .int64(evaluated.rule.id), .optionalText(fired), .text(evaluated.version), .timestamp(now),
                .optionalText(reason?.code), .optionalText(reason?.sentence), .optionalUUID(evaluated.command),
            ]
        )
    }

    /// Notes how the command stands that a rule's newest firing asked for; another command changes nothing.
    ///
    /// The environment's row is locked, as it is when rules decide.
    static func note(
        _ state: String,
        of command: UUID,
        _ reason: Reason?,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try transaction.submit(
            """
            update auto_deploy_rule
            set last_command_state = $2, last_command_reason_code = $3, last_command_reason = $4
            where last_command = $1
            """,
            [.uuid(command), .text(state), .optionalText(reason?.code), .optionalText(reason?.sentence)]
        )
    }

    /// Notes that nothing came of what a rule's newest firing asked for.
    ///
    /// Where the request had become a command before, that one's end counts, and what is said of the request now does
    /// not. The environment's row is locked unless the request was set aside.
    static func noteRejected(
        _ command: UUID,
        _ reason: Reason,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try transaction.submit(
            """
            update auto_deploy_rule
            set last_command_state = 'rejected', last_command_reason_code = $2, last_command_reason = $3
            where last_command = $1 and last_command_state = 'requested'
                and not exists (select from command c where c.id = $1)
            """,
            [.uuid(command), .text(reason.code), .text(reason.sentence)]
        )
    }
}
