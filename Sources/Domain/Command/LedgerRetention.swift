import CoreMetrics
public import Postgres
import Synchronization

/// Forgets commands that ended long ago, with their ledger, their deployments and their stages.
///
/// At most a chunk at a time, so that no lock is held for long. What something still goes by stays, whatever its age: the
/// newest command of each instance, object and rule, what an instance may be rolled back to, a deletion that such deployments
/// lie before, and what was done to environments, which is little. Rows and not whole partitions, because a row is known by the
/// command's id, which says nothing of its age. By the time a request's command is forgotten the inbox refuses a repeat as too old.
public final class LedgerRetention: Sendable {
    /// How many days ended commands are kept, unless an operator says otherwise.
    public static let defaultDays = 400
    /// So many of an instance's newest deployments stay, as what it may be rolled back to.
    public static let keptDeployments = 20

    private let days: Int
    private let chunk: Int
    private let interval: Duration
    private let due = Mutex(ContinuousClock.now)
    private let forgotten = Counter(label: "slipway_commands_forgotten")

    /// Makes a retention that is due at once.
    ///
    /// - Parameters:
    ///   - days: How long a command is kept after it ended.
    ///   - chunk: The most commands of one round.
    ///   - interval: The pause after a round that found less than a chunk.
    public init(days: Int = defaultDays, chunk: Int = 200, interval: Duration = .seconds(3600)) {
        self.days = days
        self.chunk = chunk
        self.interval = interval
    }

    /// One round, if it is due; returns how many commands were forgotten.
    @discardableResult
    public func round(on connection: PostgresConnection) throws(PostgresError) -> Int {
        guard due.withLock({ $0 <= .now }) else { return 0 }
        let deleted = try connection.query(
            Self.deletion,
            [.int32(Int32(days)), .int64(Int64(chunk)), .int64(Int64(Self.keptDeployments))]
        ).affected
        if deleted < chunk { due.withLock { $0 = .now + interval } }
        forgotten.increment(by: Int(deleted))
        return Int(deleted)
    }

    /// One statement, since rows point at each other; the states are those of the index `command_ended`.
    private static let deletion = """
        with old as materialized (
            select c.id from command c
            where c.state in ('succeeded', 'failed', 'timed_out', 'superseded', 'canceled')
                and c.changed_at < now() - $1 * interval '1 day'
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
            order by c.changed_at limit $2 for update of c skip locked
        ), steps as (
            delete from command_step s using old where s.command = old.id
        ), stages as (
            delete from stage s using old where s.command = old.id
        ), deployments as (
            delete from deployment d using old where d.command = old.id
        )
        delete from command c using old where c.id = old.id
        """
}
