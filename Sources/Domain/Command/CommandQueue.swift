import Postgres
import WorkerRuntime

/// An agent does one command of an instance, or of a namespace, after the other: the clock of one that waits starts when
/// its turn comes.
extension Command {
    /// Until when, at the latest, the agent is busy with it or with one before it; `nil` where it is free already.
    ///
    /// It finishes what it has begun, also when that is taken back meanwhile.
    func busyUntil(now: Int64) -> Int64? {
        let until: Int64? =
            switch state {
            case .accepted, .sent: stepDeadline.map { $0 - Int64(timers.acknowledge) * 1_000_000 }
            case .acknowledged: stepDeadline
            default: nil
            }
        return until.flatMap { $0 > now ? $0 : nil }
    }

    /// Lets the first step's clock, and the whole command's, start then.
    mutating func wait(until start: Int64) {
        waitsUntil = start
        deadline = start + Int64(timers.total) * 1_000_000
    }
}

/// Whose commands an agent does one after the other.
enum CommandQueue: Sendable, Hashable {
    /// An instance, by the id of its row.
    case instance(Int64)
    /// The namespace of an environment, by the id of the environment's row.
    case namespace(Int64)

    /// How long the agent may be at one command, from when it took it: pods end slowly, and hooks have their time.
    private static let longestWork: Int64 = 900_000_000

    /// Until when the agent may be at a command that ended without its word; `nil` where that is over.
    ///
    /// Pure.
    static func busyUntil(taken: Int64, now: Int64) -> Int64? {
        let until = taken + longestWork
        return until > now ? until : nil
    }
}

extension CommandStore {
    /// Until when, at the latest, the agent is at a command that has ended, such as by a deadline; `nil` where it is free.
    ///
    /// None of the queue is open. The newest that the agent took is what it does, as long as it has not said how that
    /// ended. Those behind it may have ended before they had their turn, so a few are looked at. An agent that is away is
    /// not waited for.
    func busyUntil(
        _ queue: CommandQueue,
        of cluster: String,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> Int64? {
        let (condition, id) =
            switch queue {
            case .instance(let id): ("instance_id = $1", id)
            case .namespace(let id): ("environment_id = $1 and subject_kind = 'environment'", id)
            }
        let newest = try transaction.query(
            """
            select word.taken, word.is_over
            from (select id, cluster, generation from command where \(condition) order by generation desc limit 10) c
            cross join lateral (
                select min(s.at) as taken, bool_or(s.state <> 'acknowledged') as is_over from command_step s
                where s.command = c.id and \(Self.isAgentsWord)
            ) word
            where c.cluster = $2 and word.taken is not null
                and exists (select from cluster k where k.cluster = $2 and k.state = 'connected')
            order by c.generation desc limit 1
            """,
            [.int64(id), .text(cluster)]
        ).first
        guard let newest, try !newest.bool(1) else { return nil }
        return CommandQueue.busyUntil(taken: try newest.timestamp(0), now: now)
    }

    /// SQL for whether a step `s` is one that the agent told: it took the command, did it, or could not.
    static let isAgentsWord = "s.state in ('acknowledged', 'applied', 'failed')"

    /// SQL for whether the agent did a command after it had ended, as long as the ledger goes back.
    static func wasDoneLate(_ command: String) -> String {
        "exists (select from command_step s where s.command = \(command).id and s.late and s.state = 'applied')"
    }

    /// Notes that the agent has ended a command that was over already: the one that waits behind it has its turn.
    func endWait(behind command: Command, now: Int64, in transaction: borrowing PostgresTransaction) throws {
        let (waiting, id): (String, Int64)
        if let instance = command.instanceID {
            (waiting, id) = ("id = (select open_command from instance where id = $1)", instance)
        } else if command.subjectKind == "environment", let environment = command.environmentID {
            (waiting, id) = ("environment_id = $1 and subject_kind = 'environment'", environment)
        } else {
            return
        }
        try transaction.submit(
            """
            update command set step_deadline = least(step_deadline, $2 + step_seconds[1] * interval '1 second')
            where \(waiting) and id <> $3 and state in ('accepted', 'sent')
            """,
            [.int64(id), .timestamp(now), .uuid(command.id)]
        )
    }

    /// Notes that a hook Job keeps the agent at a command that is over already, up to that one's absolute limit.
    func extendWait(behind command: Command, in transaction: borrowing PostgresTransaction) throws {
        guard let instance = command.instanceID else { return }
        try transaction.submit(
            """
            update command
            set step_deadline = least(deadline, greatest(step_deadline, $2 + step_seconds[1] * interval '1 second'))
            where id = (select open_command from instance where id = $1) and id <> $3 and state in ('accepted', 'sent')
            """,
            [.int64(instance), .timestamp(command.deadline), .uuid(command.id)]
        )
    }
}
