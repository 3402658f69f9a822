import ArgumentParser
import Foundation
import Postgres
import WorkerRuntime

struct Stuck: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "What does not go on by itself: show it, and have messages that were set aside sent again, or forget them.",
        subcommands: [List.self, Retry.self, Drop.self],
        defaultSubcommand: List.self
    )

    struct Line: Encodable {
        let what: String
        let since: String
        let why: String
        let act: String
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Show what does not go on by itself, since when, why, and who must act; exit code 1 where there is something."
        )

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let database = try connection.connect()
            defer { database.close() }
            let lines = try Stuck.read(database, prefix: connection.settings.topicPrefix)
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
    }

    /// Asks what is stuck.
    ///
    /// - Parameter prefix: What the names of consumer groups begin with.
    static func read(_ database: PostgresConnection, prefix: String) throws -> [Line] {
        try questions.flatMap { question -> [Line] in
            let values: [PostgresValue] = question.sql.contains("$1") ? [.text(prefix)] : []
            return try database.query(question.sql, values).map { row in
                Line(what: try row.string(0), since: try row.string(1), why: try row.string(2), act: question.act)
            }
        }
    }

    /// What can be stuck: SQL that gives what, since when and why; and who must act.
    ///
    /// `$1` is the prefix of consumer groups.
    private static let questions: [(sql: String, act: String)] = [
        (
            """
            select 'parked key ' || encode(key, 'escape') || ' of ' || topic || ', ' || messages || ' messages',
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
            "whoever runs the broker: sizes, topics, ACLs; then 'slipway stuck retry'"
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
            from partition_claim c left join worker w on \(isGroup(of: "w"))
            where not exists (select from live_worker l where \(isGroup(of: "l")))
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
        (
            """
            select 'deletion of the environment ' || e.project || '/' || e.environment,
                \(time("coalesce(d.ended, e.changed_at)")), coalesce('it ended ' || d.state || coalesce(': ' || d.reason, ''), 'no command does it')
            from environment e left join lateral (
                select c.changed_at as ended, c.state, c.reason from command c
                where c.environment_id = e.id and c.subject_kind = 'environment' and c.operation = 'environment.delete'
                order by c.generation desc limit 1
            ) d on true
            where e.state = 'deleting' and not exists (
                select from command o
                where o.environment_id = e.id and o.subject_kind = 'environment'
                    and o.state in ('accepted', 'sent', 'acknowledged', 'applied'))
            order by e.project, e.environment limit 100
            """,
            "an owner: send environment.delete again; where the agent stays away, with 'force': true"
        ),
    ]

    /// Whether the group of a claim `c` is a worker's: its name behind the prefix, alone or with more behind a dot.
    private static func isGroup(of worker: String) -> String {
        let name = "$1::text || \(worker).name"
        return "(c.consumer_group = \(name) or starts_with(c.consumer_group, \(name) || '.'))"
    }

    private static func time(_ column: String) -> String { "coalesce(\(Instant.text(column)), 'unknown')" }
}
