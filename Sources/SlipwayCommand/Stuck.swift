import ArgumentParser
import Foundation
import Postgres

struct Stuck: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Show what does not go on by itself, since when, why, and who must act; exit code 1 where there is something."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    struct Line: Encodable {
        let what: String
        let since: String
        let why: String
        let act: String
    }

    func run() throws {
        let database = try connection.connect()
        defer { database.close() }
        let lines = try Self.read(database)
        if output.json {
            try printJSON(lines)
        } else {
            let terminal = Terminal()
            terminal.table(
                ["WHAT", "SINCE", "WHY", "WHO MUST ACT"],
                lines.map { [$0.what, $0.since, $0.why, $0.act] }
            )
            if lines.isEmpty { terminal.line("nothing is stuck") }
        }
        if !lines.isEmpty { throw ExitCode(1) }
    }

    static func read(_ database: PostgresConnection) throws -> [Line] {
        try questions.flatMap { question in
            try database.query(question.sql).map { row in
                Line(what: try row.string(0), since: try row.string(1), why: try row.string(2), act: question.act)
            }
        }
    }

    /// What can be stuck: SQL that gives what, since when and why; and who must act.
    private static let questions: [(sql: String, act: String)] = [
        (
            """
            select 'parked key ' || convert_from(key, 'UTF8') || ' of ' || topic || ', ' || messages || ' messages',
                \(time("parked_at")), 'due for ' || (extract(epoch from now() - due))::int || ' s and not tried: nobody consumes partition ' || partition
            from parked_key where due < now() - interval '1 minute' order by due limit 100
            """,
            "start the worker that consumes the topic"
        ),
        (
            """
            select 'message ' || id || ' to ' || topic, \(time("failed_at")), reason
            from outbox_failed order by id limit 100
            """,
            "whoever runs the broker: sizes, topics, ACLs"
        ),
        (
            """
            select 'outbox shard ' || l.shard || ', ' || o.messages || ' messages', \(time("o.oldest")),
                case when l.lease_until < now() then 'nobody publishes it' else 'a relay has it and is behind' end
            from outbox_lease l join lateral (
                select sum(messages) as messages, min(created_at) as oldest from outbox where shard = l.shard
            ) o on o.messages > 0
            where o.oldest < now() - interval '1 minute' order by l.shard
            """,
            "start outbox-relay; where one is behind, read what it logs"
        ),
        (
            """
            select 'partition ' || c.partition || ' of ' || c.topic, \(time("max(w.seen_at)")), 'no worker of the group ' || c.consumer_group || ' lives'
            from partition_claim c left join worker w on c.consumer_group ~ ('(^|[.])' || w.name || '([.]|$)')
            where not exists (select from live_worker l where c.consumer_group ~ ('(^|[.])' || l.name || '([.]|$)'))
            group by c.consumer_group, c.topic, c.partition order by c.topic, c.partition limit 100
            """,
            "start the worker"
        ),
        (
            """
            select c.operation || ' of ' || c.key || '/' || c.subject_name, \(time("c.created_at")), 'still ' || c.state || ' past its absolute limit'
            from command c
            where c.state in ('accepted', 'sent', 'acknowledged', 'applied') and c.deadline < now() - interval '11 minutes'
            order by c.deadline limit 100
            """,
            "start timekeeper"
        ),
        (
            """
            select count(*) || ' open commands of cluster ' || k.cluster, \(time("min(c.created_at)")), 'its agent is ' || k.state
            from command c join cluster k on k.cluster = c.cluster
            where c.state in ('accepted', 'sent', 'acknowledged', 'applied') and k.state <> 'connected'
            group by k.cluster, k.state order by k.cluster
            """,
            "whoever runs the cluster's agent"
        ),
    ]

    private static func time(_ column: String) -> String { "coalesce(\(Instant.text(column)), 'unknown')" }
}
