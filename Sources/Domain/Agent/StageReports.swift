internal import CloudEvents
import Foundation
import Postgres
import WorkerRuntime

/// What agents tell of the stages of releases: hook Jobs that begin and end.
struct StageReports {
    let progress: CommandProgress

    /// Keeps the stage, and lets a running one extend its command's step up to the absolute limit.
    func take(
        _ report: AgentProgressed,
        _ command: inout Command,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try keep(report.stage, of: command.id, now: batch.now, in: transaction)
        if command.state.isTerminal {
            guard report.stage.state == .running else { return }
            return try progress.store.extendWait(behind: command, in: transaction)
        }
        // Who tells of a stage has taken the command.
        try progress.take(.acknowledge, &command, now: batch.now, outbox: batch.outbox, in: transaction)
        guard command.state == .acknowledged else { return }
        let running = try transaction.query(
            "select 1 from stage where command = $1 and state = 'running' limit 1",
            [.uuid(command.id)]
        )
        let step = batch.now + Int64(command.timers.apply) * 1_000_000
        command.stepDeadline = running.count > 0 ? command.deadline : min(step, command.deadline)
        try progress.store.update(command, now: batch.now, in: transaction)
    }

    /// A stage that has ended does not run again, whatever comes late.
    private func keep(
        _ stage: ReleaseStage,
        of command: UUID,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let started = stage.startedAt.flatMap(RFC3339.parse)
        let ended = stage.endedAt.flatMap(RFC3339.parse)
        try transaction.submit(
            """
            insert into stage as s (command, name, kind, weight, state, started_at, ended_at)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (command, name) do update
                set kind = excluded.kind, weight = excluded.weight, state = excluded.state,
                    started_at = coalesce(excluded.started_at, s.started_at), ended_at = excluded.ended_at
                where s.state is null or s.state = 'running'
            """,
            [
                .uuid(command), .text(String(stage.name.prefix(253))), .text(String(stage.kind.prefix(100))),
                .int32(Int32(clamping: stage.weight)), .text(stage.state.rawValue),
                .timestamp(started ?? now), .optionalTimestamp(stage.state == .running ? nil : ended ?? now),
            ]
        )
    }
}
