import CoreMetrics
import Foundation
public import Postgres
import Synchronization

/// Forgets the ledger's old months, and commands that ended long ago with their deployments and their stages.
///
/// The steps of all commands go by month, as partitions that are dropped. A command goes when it has none left but those from
/// before there were partitions, unless something goes by it, whatever its age: the newest command of each instance, object and rule stays, what an instance may be rolled back
/// to, a deletion that such deployments lie before, and what was done to environments, which is little. A round looks at a chunk
/// of what is old, whether it stays or not, and the next one at what is behind it: no lock is held for long, and no round takes
/// longer the more stays. Commands are rows and not whole partitions, because they are known by an id that says nothing of age.
public final class LedgerRetention: Sendable {
    /// How many days ended commands are kept, unless an operator says otherwise.
    public static let defaultDays = 400
    /// Fewer would forget commands whose requests the inbox still knows, and would answer a repeat of.
    public static let fewestDays = 30
    /// So many of an instance's newest deployments stay, as what it may be rolled back to.
    public static let keptDeployments = 20

    private let days: Int
    private let chunk: Int
    private let interval: Duration
    private let steps: PartitionRetention
    private let progress = Mutex(Progress())
    private let forgotten = Counter(label: "slipway_commands_forgotten")

    /// When the next round is due, and behind which command it looks: when that ended, and its id.
    private struct Progress {
        var due = ContinuousClock.now
        var behind: (time: Int64, id: UUID)?
    }

    /// Makes a retention that is due at once.
    ///
    /// - Parameters:
    ///   - days: How long a command and its steps are kept, at least.
    ///   - chunk: How many commands a round looks at.
    ///   - interval: The pause after all that is old was looked at, and after a round that failed.
    public init(days: Int = defaultDays, chunk: Int = 200, interval: Duration = .seconds(86_400)) {
        self.days = days
        self.chunk = chunk
        steps = PartitionRetention("command_step", days: days)
        self.interval = interval
    }

    /// One round, if it is due; returns how many commands were forgotten.
    @discardableResult
    public func round(on connection: PostgresConnection) throws -> Int {
        try steps.round(on: connection)
        let (due, behind) = progress.withLock { ($0.due, $0.behind) }
        guard due <= .now else { return 0 }
        progress.withLock { $0.due = .now + interval }
        let round = try connection.query(
            Self.deletion,
            [
                .int32(Int32(days)), .int64(Int64(chunk)), .int64(Int64(Self.keptDeployments)),
                .timestamp(behind?.time ?? 0), .uuid(behind?.id ?? Self.first),
            ]
        ).only()
        let (looked, deleted) = (try round.int(0), try round.int(1))
        let last: (time: Int64, id: UUID)? = looked < chunk ? nil : (try round.timestamp(2), try round.uuid(3))
        progress.withLock {
            $0.behind = last
            if last != nil { $0.due = .now }
        }
        forgotten.increment(by: deleted)
        return deleted
    }

    private static let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// One statement, since rows point at each other; the states are those of the index `command_ended`.
    private static let deletion = """
        with looked as materialized (
            select id, changed_at from command
            where state in ('succeeded', 'failed', 'timed_out', 'superseded', 'canceled')
                and changed_at < now() - $1 * interval '1 day' and (changed_at, id) > ($4, $5)
            order by changed_at, id limit $2
        ), old as materialized (
            select c.id from looked join command c using (id)
            -- Asked again of the row that is locked: a late step changes it.
            where c.changed_at < now() - $1 * interval '1 day'
                and not exists (
                    select from command_step s
                    where s.command = c.id and s.tableoid is distinct from to_regclass('command_step_before'))
                and not exists (select from auto_deploy_rule r where r.last_command = c.id)
                and c.subject_kind <> 'environment'
                and not (c.object_id is not null and not exists (
                    select from command n where n.object_id = c.object_id and n.generation > c.generation))
                and not (c.instance_id is not null and (
                    not exists (select from command n where n.instance_id = c.instance_id and n.generation > c.generation)
                    or exists (select from instance i where i.id = c.instance_id and i.running_generation = c.generation)
                    or exists (
                        select from (
                            select generation from deployment d
                            where d.instance_id = c.instance_id and d.generation > (
                                select coalesce(max(generation), 0) from command
                                where instance_id = c.instance_id and operation = 'instance.delete' and state = 'succeeded')
                            order by generation desc limit $3
                        ) newest where newest.generation = c.generation)
                    or (c.operation = 'instance.delete' and exists (
                        select from deployment d where d.instance_id = c.instance_id and d.generation < c.generation))))
            for update of c skip locked
        ), steps as (
            delete from command_step s using old
            where s.command = old.id and s.tableoid = to_regclass('command_step_before')
        ), stages as (
            delete from stage s using old where s.command = old.id
        ), deployments as (
            delete from deployment d using old where d.command = old.id
        ), commands as (
            delete from command c using old where c.id = old.id
        )
        select (select count(*) from looked), (select count(*) from old), last.changed_at, last.id
        from (select) one left join lateral (select * from looked order by changed_at desc, id desc limit 1) last on true
        """
}
