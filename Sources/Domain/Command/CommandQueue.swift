import Postgres
import WorkerRuntime

/// An agent does one command of an instance after the other: the clock of one that waits starts when its turn comes.
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

extension CommandStore {
    /// Notes that the agent has ended a command that was over already: the one that waits behind it has its turn.
    func endWait(behind command: Command, now: Int64, in transaction: borrowing PostgresTransaction) throws {
        guard let instance = command.instanceID else { return }
        try transaction.submit(
            """
            update command set step_deadline = least(step_deadline, $2 + step_seconds[1] * interval '1 second')
            where id = (select open_command from instance where id = $1) and id <> $3 and state in ('accepted', 'sent')
            """,
            [.int64(instance), .timestamp(now), .uuid(command.id)]
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
