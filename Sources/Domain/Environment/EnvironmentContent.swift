import Postgres
import WorkerRuntime

/// What is in an environment, as far as it keeps others from changing the environment.
struct EnvironmentContent: Sendable, Hashable {
    /// What serves somebody: instances that are not stopped, networks and domains.
    var running: [String] = []
    /// Everything that is not deleted.
    var present: [String] = []
    /// What the commands under way do, and to what; logs that are read left out.
    var underWay: [String] = []

    /// Reads it; the rows of the environment and of everything in it are locked.
    static func read(
        _ environment: Int64,
        _ act: RequestAct,
        in transaction: borrowing PostgresTransaction
    ) throws -> EnvironmentContent {
        var content = EnvironmentContent()
        let rows = try transaction.query(
            """
            select 'instance ' || instance, state <> 'stopped' from instance
            where environment_id = $1 and state <> 'deleted'
            union all
            select kind || ' ' || name, kind in ('network', 'domain') from environment_object
            where environment_id = $1 and state <> 'deleted'
            order by 1
            """,
            [.int64(environment)]
        )
        for row in rows {
            let name = try row.string(0)
            content.present.append(name)
            if try row.bool(1) { content.running.append(name) }
        }
        // Who reads a log changes nothing.
        content.underWay = try act.openCommands(in: environment, transaction)
            .filter { $0.operation != RequestContainerLogs.name }
            .map { "\($0.operation) of \($0.subjectName)" }
        return content
    }

    /// Refuses while something runs or is under way; pure.
    func requireAtRest(_ environment: EnvironmentRow) throws(Reason) {
        guard underWay.isEmpty else {
            throw Reason(
                code: "commands_under_way",
                sentence: "In the environment '\(environment.key)' commands are under way: \(underWay.listed()); "
                    + "wait for their end.",
                field: "environment"
            )
        }
        guard running.isEmpty else {
            throw Reason(
                code: "environment_in_use",
                sentence: "In the environment '\(environment.key)' something runs: \(running.listed()); "
                    + "stop or delete it first.",
                field: "environment"
            )
        }
    }

    /// Refuses where something was deployed; pure.
    func requireEmpty(_ environment: EnvironmentRow) throws(Reason) {
        guard present.isEmpty else {
            throw Reason(
                code: "environment_in_use",
                sentence: "The environment '\(environment.key)' holds what was deployed to it: \(present.listed()); "
                    + "it cannot change its cluster.",
                field: "environment"
            )
        }
    }
}
