import Foundation
public import Postgres
import WorkerRuntime

/// Keeps the windows of open commands after objects of their instances changed.
///
/// The caller has locked the instances' rows: of the agent's `applied` and the objects' change, whichever comes second
/// sees the first.
public enum WindowRefresh {
    /// Looks at the open, applied commands of these instances and writes the windows that changed.
    public static func run(instances: [Int64], now: Int64, in transaction: borrowing PostgresTransaction) throws {
        guard !instances.isEmpty else { return }
        let commands = try transaction.query(
            """
            select \(CommandStore.columns) from command
            where id in (select open_command from instance where id = any($1) and open_command is not null)
                and state = 'applied'
            order by id for no key update
            """,
            [.array(.int64s(instances))]
        ).map { try Command($0) }
        for command in commands {
            let after = try windows(of: command, now: now, in: transaction)
            guard after != command.windows else { continue }
            var changed = command
            changed.windows = after
            try CommandStore(worker: "").update(changed, now: now, in: transaction)
        }
    }

    /// What the stored objects say of a command.
    static func windows(
        of command: Command,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> CommandWindows {
        guard let instance = command.instanceID, let objects = command.objects else { return CommandWindows() }
        let applied = try JSONDecoder().decode([AppliedObject].self, from: Data(objects))
        let rows = try transaction.query(
            """
            select r.kind, r.name, r.uid, r.observed_generation, r.health, r.health_reason, r.failing_code,
                r.failing_reason, r.command_generation
            from resource r
            join instance i on i.cluster = r.cluster and i.namespace = r.namespace and i.instance = r.instance
            where i.id = $1 and not r.gone
            """,
            [.int64(instance)]
        )
        var stored: [ObservedObject] = []
        var sign: Reason?
        for row in rows {
            stored.append(
                ObservedObject(
                    kind: try row.string(0),
                    name: try row.string(1),
                    uid: try row.string(2),
                    observedGeneration: try row.optionalInt64(3),
                    health: Health(rawValue: try row.string(4)) ?? .unknown,
                    healthReason: try row.optionalString(5)
                )
            )
            if let code = try row.optionalString(6), code != "unschedulable",
                try row.optionalInt64(8) ?? command.generation == command.generation
            {
                sign = Reason(code: code, sentence: try row.optionalString(7) ?? code)
            }
        }
        return CommandObservation.windows(
            applied: applied,
            stored: stored,
            sign: sign,
            before: command.windows,
            now: now
        )
    }
}
