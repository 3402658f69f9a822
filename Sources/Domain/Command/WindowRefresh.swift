import Foundation
public import Postgres
import WorkerRuntime

/// Keeps the windows of open commands after objects of their instances changed.
///
/// The caller has locked the instances' rows: of the agent's `applied` and the objects' change, whichever comes second
/// sees the first.
public enum WindowRefresh {
    /// Looks at the open, applied commands of these instances and writes the windows that changed.
    ///
    /// The commands are found by their ids: `is not distinct from` keeps the server from looking for them among all that
    /// are applied, of which it believes that there are few while the table is young.
    public static func run(instances: [Int64], now: Int64, in transaction: borrowing PostgresTransaction) throws {
        guard !instances.isEmpty else { return }
        let commands = try transaction.query(
            """
            select \(CommandStore.columns) from command
            where id = any(array(
                    select open_command from instance where id = any($1) and open_command is not null))
                and state is not distinct from 'applied'
            order by id for no key update
            """,
            [.array(.int64s(instances))]
        ).map { try Command($0) }
        for var command in commands {
            guard try refresh(&command, now: now, in: transaction) else { continue }
            try CommandStore(worker: "").update(command, now: now, in: transaction)
        }
    }

    /// Brings a command up to what the stored objects say: its windows, and its step's time while rollouts advance.
    ///
    /// - Returns: Whether that changes it.
    private static func refresh(
        _ command: inout Command,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> Bool {
        guard let instance = command.instanceID, let objects = command.objects else { return false }
        let goal = command.goal
        let watched = try WatchedObject.list(json: objects)
        let jobs = watched.map(\.applied).filter { $0.kind == "Job" }.map(\.name)
        let seen = try observe(instance, command, jobs: jobs, in: transaction)
        let windows = CommandObservation.windows(
            goal: goal,
            applied: watched.map(\.applied),
            stored: seen.objects,
            sign: seen.sign,
            left: try left(of: command, in: transaction),
            before: command.windows,
            now: now
        )
        let advanced = goal == .healthy ? RolloutProgress.advanced(watched, stored: seen.objects) : nil
        guard advanced != nil || windows != command.windows else { return false }
        command.windows = windows
        if let advanced {
            command.objects = try WatchedObject.json(advanced)
            command.extendStep(now: now)
        }
        return true
    }

    /// How many of the pods, or of the objects, are still there that are to be gone.
    static func left(of command: Command, in transaction: borrowing PostgresTransaction) throws -> Int {
        guard let instance = command.instanceID else { return 0 }
        switch command.goal {
        case .healthy, .applied: return 0
        case .stopped: return try podsLeft(of: instance, in: transaction)
        case .gone: return try objectsLeft(of: instance, in: transaction)
        }
    }

    /// Reads what is there of an instance, and of those Jobs that were cleaned away.
    ///
    /// A pod that this command has made is its own under whatever generation: after a recovery it has another one.
    private static func observe(
        _ instance: Int64,
        _ command: Command,
        jobs: [String],
        in transaction: borrowing PostgresTransaction
    ) throws -> (objects: [ObservedObject], sign: Reason?) {
        let rows = try transaction.query(
            """
            select r.kind, r.name, r.uid, r.observed_generation, r.health, r.health_reason, r.failing_code,
                r.failing_reason,
                case when r.failing_code is not null and r.command_generation <> $4
                    and r.object #>> '{metadata,labels,slipway.io/command}' = $3 then $4 else r.command_generation end,
                case when r.kind in ('Deployment', 'StatefulSet', 'DaemonSet') then r.object ->> 'status' end,
                \(isScheduled)
            from instance i
            cross join lateral (
                select * from resource o
                where o.cluster = i.cluster and o.namespace = i.namespace and o.instance = i.instance and not o.gone
                union all
                select * from resource o
                where o.cluster = i.cluster and o.namespace = i.namespace and o.kind = 'Job' and o.name = any($2)
                    and o.instance = i.instance and o.gone
                offset 0
            ) r
            where i.id = $1
            """,
            [
                .int64(instance), .array(.texts(jobs)), .text(command.id.uuidString.lowercased()),
                .int64(command.generation),
            ]
        )
        var stored: [ObservedObject] = []
        var sign: Reason?
        for row in rows {
            stored.append(try ObservedObject(row))
            if let code = try row.optionalString(6), FailureSign.Code(rawValue: code)?.isFailing ?? true,
                try !row.bool(10),
                try row.optionalInt64(8) ?? command.generation == command.generation
            {
                sign = Reason(code: code, sentence: try row.optionalString(7) ?? code)
            }
        }
        return (stored, sign)
    }

    /// Whether an object `r` is a pod of a CronJob's run, which says nothing of a command: it may be of an older version.
    ///
    /// So may a pod be of which the Job is not there.
    private static let isScheduled = """
        (case when r.failing_code is not null and r.object #>> '{metadata,ownerReferences,0,kind}' = 'Job' then
            coalesce((
                select coalesce(j.object #>> '{metadata,ownerReferences,0,kind}', '') from resource j
                where j.cluster = r.cluster and j.namespace = r.namespace and j.kind = 'Job' and not j.gone
                    and j.name = r.object #>> '{metadata,ownerReferences,0,name}'
            ), 'CronJob') = 'CronJob'
            else false end)
        """

    /// The pods that a stopped instance may not have: those of its Deployments and StatefulSets.
    ///
    /// A stop leaves all others as they are: those of DaemonSets and Jobs, of a chart's own ReplicaSets, and those that
    /// nobody made. A pod of which nothing is stored counts, and so does one whose ReplicaSet is not known.
    private static func podsLeft(of instance: Int64, in transaction: borrowing PostgresTransaction) throws -> Int {
        try transaction.query(
            """
            select count(*) from resource r
            join instance i on i.cluster = r.cluster and i.namespace = r.namespace and i.instance = r.instance
            where i.id = $1 and not r.gone and r.kind = 'Pod'
                and case
                    when r.object is null then true
                    when r.object #>> '{metadata,ownerReferences,0,kind}' = 'StatefulSet' then true
                    when r.object #>> '{metadata,ownerReferences,0,kind}' = 'ReplicaSet' then coalesce((
                        select coalesce(s.object #>> '{metadata,ownerReferences,0,kind}', '') from resource s
                        where s.cluster = r.cluster and s.namespace = r.namespace and s.kind = 'ReplicaSet'
                            and s.name = r.object #>> '{metadata,ownerReferences,0,name}' and s.object is not null
                    ), 'Deployment') = 'Deployment'
                    else false end
                and coalesce(r.object #>> '{status,phase}', '') not in ('Succeeded', 'Failed')
            """,
            [.int64(instance)]
        ).only().int(0)
    }

    /// The objects that a deleted instance may not have.
    ///
    /// Helm leaves some behind on purpose: volume claims of StatefulSets, and hooks and what is annotated to be kept,
    /// with all that belongs to them. Of a secret that a worker of a version before stored, nobody knows that until the
    /// agent tells of it again: it is not waited for, since helm removes it with the rest.
    private static func objectsLeft(of instance: Int64, in transaction: borrowing PostgresTransaction) throws -> Int {
        try transaction.query(
            """
            with recursive own as materialized (
                select r.uid, r.kind, r.object #> '{metadata,annotations,helm.sh/hook}' is not null as is_hook,
                    r.object #>> '{metadata,ownerReferences,0,uid}' as owner, r.object #>> '{status,phase}' as phase,
                    r.object #>> '{metadata,annotations,helm.sh/resource-policy}' as policy, r.object is null as unknown
                from resource r
                join instance i on i.cluster = r.cluster and i.namespace = r.namespace and i.instance = r.instance
                where i.id = $1 and not r.gone
            ), kept as (
                select uid from own where is_hook or policy = 'keep'
                union
                select own.uid from own join kept on own.owner = kept.uid
            )
            select count(*) from own
            where kind <> 'PersistentVolumeClaim' and uid not in (select uid from kept)
                and not (kind = 'Pod' and coalesce(phase, '') in ('Succeeded', 'Failed'))
                and not (kind = 'Secret' and unknown)
            """,
            [.int64(instance)]
        ).only().int(0)
    }
}

extension ObservedObject {
    /// Reads what ``WindowRefresh`` selects of an object.
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            kind: try row.string(0),
            name: try row.string(1),
            uid: try row.string(2),
            observedGeneration: try row.optionalInt64(3),
            health: Health(rawValue: try row.string(4)) ?? .unknown,
            healthReason: try row.optionalString(5)
        )
        rollout = RolloutCounts(kind: kind, status: try row.optionalString(9))
    }
}
