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

        @OptionGroup var choice: Choice
        @Option(help: "Only what concerns this cluster.")
        var cluster: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let database = try connection.connect()
            defer { database.close() }
            let filter = Filter(topic: choice.topic, key: choice.key, cluster: cluster)
            let (lines, isCut) = try Stuck.read(database, prefix: connection.settings.topicPrefix, filter)
            if isCut {
                let note = "there is more: \(Stuck.mostLines) lines of a kind are shown; --topic, --key and such choose"
                FileHandle.standardError.write(Data((note + "\n").utf8))
            }
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

    /// What is asked for; what is left out does not matter.
    ///
    /// Lines that have no topic, key or cluster are left out where one is asked for.
    struct Filter {
        var topic: String?
        var key: String?
        var cluster: String?

        fileprivate var values: [PostgresValue] {
            [.optionalText(topic), key.map { .bytes(Array($0.utf8)) } ?? .null, .optionalText(cluster)]
        }
    }

    /// The most lines of a kind that are told.
    static let mostLines = 100

    /// Asks what is stuck; tells whether there is more than that.
    ///
    /// - Parameter prefix: What the names of consumer groups begin with.
    static func read(
        _ database: PostgresConnection,
        prefix: String,
        _ filter: Filter = Filter()
    ) throws -> (lines: [Line], isCut: Bool) {
        let found = try questions.map { question -> [Line] in
            try database.query(
                """
                select what, since, why
                from (\(question.sql)) found(what, since, why, topic, key, cluster)
                where $1::text is not null and ($2::text is null or topic = $2) and ($3::bytea is null or key = $3)
                    and ($4::text is null or cluster = $4)
                limit \(mostLines + 1)
                """,
                [.text(prefix)] + filter.values
            ).map { row in
                Line(what: try row.string(0), since: try row.string(1), why: try row.string(2), act: question.act)
            }
        }
        return (found.flatMap { $0.prefix(mostLines) }, found.contains { $0.count > mostLines })
    }

    /// What can be stuck: SQL that gives what, since when and why, of which topic, key and cluster; and who must act.
    ///
    /// `$1` is the prefix of consumer groups.
    private static let questions: [(sql: String, act: String)] = [
        (
            """
            select 'parked key ' || encode(key, 'escape') || ' of ' || topic || ', ' || messages || ' messages',
                \(time("parked_at")), 'due for ' || (extract(epoch from now() - due))::int || ' s and not tried: nobody consumes partition ' || partition,
                topic, key, null
            from parked_key where due < now() - interval '1 minute' order by due
            """,
            "start the worker that consumes the topic"
        ),
        (
            """
            select 'message ' || id || ' to ' || topic, \(time("failed_at")), reason, topic, key, null
            from outbox_failed order by id
            """,
            "whoever runs the broker: sizes, topics, ACLs; then 'slipway stuck retry'"
        ),
        (
            """
            select 'outbox shard ' || l.shard || ', ' || o.messages || ' messages', \(time("o.oldest")),
                case when l.lease_until < now() then 'nobody publishes it' else 'a relay has it and is behind' end,
                null, null::bytea, null
            from outbox_lease l join lateral (
                select sum(messages) as messages, min(created_at) as oldest from outbox where shard = l.shard
            ) o on o.messages > 0
            where o.oldest < now() - interval '1 minute' order by l.shard
            """,
            "start outbox-relay; where one is behind, read what it logs"
        ),
        (
            """
            select 'partition ' || c.partition || ' of ' || c.topic, \(time("max(w.seen_at)")), 'no worker of the group ' || c.consumer_group || ' lives',
                c.topic, null::bytea, null
            from partition_claim c left join worker w on \(isGroup(of: "w"))
            where not exists (select from live_worker l where \(isGroup(of: "l")))
            group by c.consumer_group, c.topic, c.partition order by c.topic, c.partition
            """,
            "start the worker"
        ),
        (
            """
            select c.operation || ' of ' || c.key || '/' || c.subject_name, \(time("c.created_at")), 'still ' || c.state || ' past its absolute limit',
                'agent.commands.' || c.cluster, convert_to(c.key, 'UTF8'), c.cluster
            from command c
            where c.state in ('accepted', 'sent', 'acknowledged', 'applied') and c.deadline < now() - interval '11 minutes'
            order by c.deadline
            """,
            "start timekeeper"
        ),
        (
            """
            select count(*) || ' open commands of cluster ' || k.cluster, \(time("min(c.created_at)")), 'its agent is ' || k.state,
                'agent.commands.' || k.cluster, convert_to(k.cluster, 'UTF8'), k.cluster
            from command c join cluster k on k.cluster = c.cluster
            where c.state in ('accepted', 'sent', 'acknowledged', 'applied') and k.state <> 'connected'
            group by k.cluster, k.state order by k.cluster
            """,
            "whoever runs the cluster's agent"
        ),
        (
            """
            select 'deletion of the environment ' || e.project || '/' || e.environment,
                \(time("coalesce(d.ended, e.changed_at)")), coalesce('it ended ' || d.state || coalesce(': ' || d.reason, ''), 'no command does it'),
                null, convert_to(e.project || '/' || e.environment, 'UTF8'), e.cluster
            from environment e left join lateral (
                select c.changed_at as ended, c.state, c.reason from command c
                where c.environment_id = e.id and c.subject_kind = 'environment' and c.operation = 'environment.delete'
                order by c.generation desc limit 1
            ) d on true
            where e.state = 'deleting' and not exists (
                select from command o
                where o.environment_id = e.id and o.subject_kind = 'environment'
                    and o.state in ('accepted', 'sent', 'acknowledged', 'applied'))
            order by e.project, e.environment
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
