public import Postgres

/// Something that the ledger says otherwise than the row that was derived from it.
public struct Difference: Codable, Sendable, Hashable {
    /// Which rule was broken.
    public let rule: String
    /// What it is about.
    public let subject: String
    /// What the ledger says, and what stands there instead.
    public let says: String
}

/// Derives states again from the ledger and compares them with what is stored.
///
/// Read-only, and a snapshot of the database for each rule, which compares nothing across rules: a fleet may go on working
/// meanwhile, and no snapshot keeps the dead versions of its hot rows for longer than one rule takes.
public enum Verification {
    /// How many differences of a rule are told at most.
    public static let mostTold = 100

    /// Compares everything; the differences come rule by rule.
    public static func differences(on connection: PostgresConnection) throws -> [Difference] {
        try connection.withoutStatementLimit {
            var differences: [Difference] = []
            for rule in rules {
                let rows = try connection.query(
                    "select subject, says from (\(rule.sql)) found(subject, says) order by 1 limit \(mostTold)"
                )
                for row in rows {
                    differences.append(
                        Difference(rule: rule.name, subject: try row.string(0), says: try row.string(1))
                    )
                }
            }
            return differences
        }
    }

    /// The rules by name, in the order in which they are looked at.
    public static var ruleNames: [String] { rules.map(\.name) }

    /// A little longer than the timekeeper waits where Slipway itself is behind, see ``DueCommand/patience``.
    private static let longAfter = DueCommand.patience / 1_000_000 + 120
    private static let open = "('accepted', 'sent', 'acknowledged', 'applied')"

    private static let rules: [(name: String, sql: String)] = [
        (
            "a command's state is that of its newest step that was not late",
            """
            select c.id::text, 'the ledger says ' || coalesce(s.state, 'nothing') || ', the command ' || c.state
            from command c left join (
                select distinct on (command) command, state from command_step where not late order by command, revision desc
            ) s on s.command = c.id
            where s.state is distinct from c.state and not (s.state is null and c.created_at < (select ledger_begins()))
            """
        ),
        (
            "a command's revision is that of its newest step",
            """
            select c.id::text, 'the ledger says ' || coalesce(max(s.revision)::text, 'nothing') || ', the command ' || c.revision
            from command c left join command_step s on s.command = c.id
            group by c.id having max(s.revision) is distinct from c.revision
                and not (max(s.revision) is null and c.created_at < (select ledger_begins()))
            """
        ),
        (
            "a step belongs to a command",
            """
            select s.command::text, 'step ' || s.revision || ' says ' || s.state || ', and there is no such command'
            from command_step s where not exists (select from command c where c.id = s.command)
            """
        ),
        (
            "no terminal state is left",
            """
            select a.command::text, 'after ' || a.state || ' comes ' || b.state
            from command_step a join command_step b on b.command = a.command and b.revision > a.revision
            where not a.late and not b.late and a.state not in \(open)
            """
        ),
        (
            "no command is open long after its deadline",
            """
            select id::text, 'it is ' || state || ', and its deadline was ' || deadline
            from command where state in \(open)
                and deadline < now() - interval '\(longAfter) seconds'
            """
        ),
        (
            "an instance's open command is its newest that is open",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'the commands say ' || coalesce(c.id::text, 'none') || ', the instance ' || coalesce(i.open_command::text, 'none')
            from instance i join environment e on e.id = i.environment_id left join lateral (
                select id from command where instance_id = i.id and state in \(open) order by generation desc limit 1
            ) c on true
            where c.id is distinct from i.open_command
            """
        ),
        (
            "an instance is operating as long as a command of it is open",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'it is ' || i.state || ', and ' || case when i.open_command is null then 'no command is open' else 'a command is open' end
            from instance i join environment e on e.id = i.environment_id
            where (i.state = 'operating') <> (i.open_command is not null)
            """
        ),
        (
            "an instance's generation is not behind its commands'",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'the commands say ' || c.newest || ', the instance ' || i.generation
            from instance i join environment e on e.id = i.environment_id
            join (select instance_id, max(generation) newest from command group by 1) c on c.instance_id = i.id
            where c.newest > i.generation
            """
        ),
        (
            "what runs was brought there by a command that succeeded, or that was applied and did not fail",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'generation ' || i.running_generation || ' should run, whose command is ' || coalesce(c.state, 'unknown')
            from instance i join environment e on e.id = i.environment_id
            left join command c on c.instance_id = i.id and c.generation = i.running_generation
            where i.running_generation is not null and i.state <> 'deleted'
                and c.state is distinct from 'succeeded'
                and not (c.state in ('superseded', 'canceled') and c.objects is not null)
                and not exists (select from command_step s where s.command = c.id and s.late and s.state = 'applied')
                and not coalesce(c.created_at < (select ledger_begins()), false)
            """
        ),
        (
            "a deployment ended as its command",
            """
            select d.command::text, 'the command is ' || c.state || ', the deployment ' || coalesce(d.outcome, 'open')
            from deployment d join command c on c.id = d.command
            where d.outcome is distinct from case when c.state in \(open) then null else c.state end
            """
        ),
        (
            "an object's open command is its newest that is open",
            """
            select e.project || '/' || e.environment || '/' || o.kind || '/' || o.name,
                'the commands say ' || coalesce(c.id::text, 'none') || ', the object ' || coalesce(o.open_command::text, 'none')
            from environment_object o join environment e on e.id = o.environment_id left join lateral (
                select id from command where object_id = o.id and state in \(open) order by generation desc limit 1
            ) c on true
            where c.id is distinct from o.open_command
            """
        ),
        (
            "every message that was consumed has one outcome",
            """
            select consumer_group || ' ' || topic || ' ' || partition,
                'consumed ' || consumed || ', outcomes '
                    || applied + repeated + stale + rejected + dead_lettered + parked
            from partition_claim
            where consumed <> applied + repeated + stale + rejected + dead_lettered + parked
            """
        ),
        (
            "every message that was parked waits or was released",
            """
            select c.consumer_group || ' ' || c.topic || ' ' || c.partition,
                'parked ' || c.parked || ', waiting ' || count(m.*) || ', released ' || released
            from (
                select *, released_applied + released_repeated + released_stale + released_rejected
                    + released_dead_lettered as released
                from partition_claim
            ) c left join parked_message m on m.consumer_group = c.consumer_group and m.topic = c.topic
                and m.partition = c.partition
            group by c.consumer_group, c.topic, c.partition, c.parked, c.released
            having c.parked <> count(m.*) + c.released
            """
        ),
        (
            "a key that waits counts its messages",
            """
            select k.consumer_group || ' ' || k.topic || ' ' || encode(k.key, 'escape'),
                'it counts ' || k.messages || ' and has ' || count(m.*)
            from parked_key k left join parked_message m
                on m.consumer_group = k.consumer_group and m.topic = k.topic and m.key = k.key
            group by k.consumer_group, k.topic, k.key, k.messages having k.messages <> count(m.*) or k.messages = 0
            """
        ),
    ]
}
