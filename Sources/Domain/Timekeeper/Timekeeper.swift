import Foundation
public import Postgres
import WorkerRuntime

/// Lets time pass: settles what stayed healthy, fails what kept failing, ends what took too long, misses lost agents.
///
/// Publishes again what a relay marked.
///
/// Everything goes by the database's clock. Any number may run: candidates are found without locks, then locked in the
/// one order with SKIP LOCKED, and looked at again.
public struct Timekeeper: Sendable {
    static let worker = "timekeeper"
    private let fleetKey: FleetKey
    private let leaseSeconds: Int
    private let agentGroup: String
    private let resourceGroup: String
    private let certificates: CertificateWatch
    private let duties: RoundDuties

    /// Makes a timekeeper.
    ///
    /// - Parameters:
    ///   - leaseSeconds: How long an agent may be silent.
    ///   - agentGroup: The consumer group of the agent workers, whose progress decides whether silence is real.
    ///   - resourceGroup: The consumer group of the resource workers, whose progress decides whether what is stored of
    ///     objects is all that was told of them.
    ///   - certificateDays: How many days before a certificate's end to begin to warn.
    ///   - duties: What notes that a duty failed.
    public init(
        fleetKey: FleetKey,
        leaseSeconds: Int,
        agentGroup: String,
        resourceGroup: String,
        certificateDays: Int = Timekeeper.defaultCertificateDays,
        duties: RoundDuties = RoundDuties()
    ) {
        self.fleetKey = fleetKey
        self.leaseSeconds = leaseSeconds
        self.agentGroup = agentGroup
        self.resourceGroup = resourceGroup
        self.duties = duties
        certificates = CertificateWatch(warningDays: certificateDays, duties: duties)
    }

    /// How many days before a certificate's end to begin to warn, unless an operator says otherwise.
    public static let defaultCertificateDays = CertificateValidity.defaultWarningDays

    /// One round; returns whether anything was due.
    ///
    /// What fails keeps nothing else from its end: each duty, and each command, for itself.
    public func round(on connection: PostgresConnection) throws -> Bool {
        var moved = try certificates.round(on: connection)
        let settled = try duties.attempt("settling", on: connection) { try settling(on: connection) }
        let late = try duties.attempt("overdue", on: connection) { try overdue(on: connection) }
        for id in (settled ?? []) + (late ?? []) {
            let isEnded = try duties.attempt(Self.endsCommand, of: "\(id)", on: connection) {
                try end(id, on: connection)
            }
            if isEnded == true { moved = true }
        }
        let lost = try duties.attempt("lost agents", on: connection) { try missLostAgents(on: connection) }
        let told = try ConnectionNews(worker: Self.worker).round(on: connection, duties)
        let sent = try duties.attempt("republication", on: connection) { try Republication.round(on: connection) > 0 }
        return moved || lost == true || told || sent == true
    }

    private static let endsCommand = "end of a command"

    /// Commands whose end failed a moment ago: they keep no other one from being found.
    private var resting: PostgresValue {
        .array(.uuids(duties.resting(Self.endsCommand).compactMap { UUID(uuidString: $0) }))
    }

    /// A command's cluster, and how far what is told of the objects in its namespace was followed.
    private static let surroundings = """
        left join cluster k on k.cluster = c.cluster
        left join environment e on e.id = c.environment_id
        left join resource_stream s on s.cluster = c.cluster and s.namespace = e.namespace
        """

    /// Up to when what is told of the objects beside a command `c` was read, by the group of that parameter.
    ///
    /// In the partition that the namespace was last told of in; in all of them where none is known.
    private static func objectsRead(_ group: String) -> String {
        "handled_until(\(group), 'resource.changes', s.partition, c.cluster || '/' || e.namespace)"
    }

    /// Commands whose objects were healthy, or failing, for long enough, as was told and read since; no lock is taken.
    ///
    /// Those of which a word may lie unread, or whose agent is silent, are left out here, so that they keep no other one
    /// from its end. The oldest come first, in the order of an index: not all that are due need be looked at each time.
    private func settling(on connection: PostgresConnection) throws -> [UUID] {
        try connection.query(
            """
            select c.id
            from command c
            \(Self.surroundings)
            cross join lateral (
                values (c.healthy_since, c.settle_seconds), (c.failing_since, c.failure_seconds)
            ) held(since, seconds)
            cross join lateral (select held.since + held.seconds * interval '1 second' as at) due
            where c.state = 'applied' and due.at <= now() and c.id <> all($2)
                and (held.seconds = 0 or due.at <= \(AgentAccount.heardSQL)
                    and greatest(due.at, k.account_complete_since) <= \(Self.objectsRead("$1")))
            order by c.deadline limit 100
            """,
            [.text(resourceGroup), resting]
        ).map { try $0.uuid(0) }
    }

    /// Commands past a deadline up to which was read what their agents said, and what was told of their objects.
    ///
    /// No lock is taken. Those that must wait for Slipway's own delay are left out here, so that they keep no other one
    /// from its end. The oldest come first, as those that settle.
    private func overdue(on connection: PostgresConnection) throws -> [UUID] {
        try connection.query(
            """
            select c.id
            from command c
            \(Self.surroundings)
            cross join lateral (
                select least(c.deadline, greatest(coalesce(c.step_deadline, c.deadline),
                    case when c.state = 'applied' then c.healthy_since + c.settle_seconds * interval '1 second' end)) as at
            ) due
            where c.state in ('accepted', 'sent', 'acknowledged', 'applied') and due.at <= now() and c.id <> all($5)
                and (k.cluster is null or k.boot is null or due.at <= now() - $2 * interval '1 microsecond'
                    or due.at <= handled_until($1, 'agent.status', k.status_partition, k.cluster)
                        and (c.state <> 'applied' or due.at <= \(Self.objectsRead("$3"))
                            and (k.last_seen < now() - $4 * interval '1 second' or \(AgentAccount.heardSQL) is not null
                                and coalesce(k.account_complete_since, '-infinity') <= \(Self.objectsRead("$3")))))
            order by c.deadline limit 100
            """,
            [
                .text(agentGroup), .int64(DueCommand.patience), .text(resourceGroup), .int32(Int32(leaseSeconds)),
                resting,
            ]
        ).map { try $0.uuid(0) }
    }

    /// Ends one command if it is still due, in a transaction of its own.
    private func end(_ id: UUID, on connection: PostgresConnection) throws -> Bool {
        let isEnded = try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try end(id, in: transaction)
        }
        if isEnded { TestSignal.afterCommit.reach() }
        return isEnded
    }

    private func end(_ id: UUID, in transaction: borrowing PostgresTransaction) throws -> Bool {
        let place = try transaction.query(
            """
            select e.id from environment e join command c on c.environment_id = e.id
            where c.id = $1 for no key update of e skip locked
            """,
            [.uuid(id)]
        )
        guard place.count == 1 else { return false }
        try transaction.submit(
            """
            select i.id from instance i join command c on c.instance_id = i.id where c.id = $1 for no key update of i
            """,
            [.uuid(id)]
        )
        try transaction.submit(
            """
            select o.id from environment_object o join command c on c.object_id = o.id
            where c.id = $1 for no key update of o
            """,
            [.uuid(id)]
        )
        let progress = CommandProgress(worker: Self.worker)
        guard var command = try progress.store.lock([id], in: transaction)[id] else { return false }
        let now = try transaction.query("select clock_timestamp()").only().timestamp(0)
        let view = try agentView(of: command, now: now, in: transaction)
        guard let (event, reason) = DueCommand.decide(command, view: view, now: now) else { return false }
        let outbox = OutboxBuffer()
        try progress.take(event, &command, reason: reason, now: now, outbox: outbox, in: transaction)
        if event == .timeOut { try withdraw(command, now: now, outbox: outbox, in: transaction) }
        try OutboxWriter.write(outbox, in: transaction)
        TestSignal.inTransaction.reach()
        return true
    }

    /// Takes an ended command back from the agent: agents judge no deadlines.
    private func withdraw(
        _ command: Command,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let cluster = command.cluster, let environment = command.environmentID else { return }
        let row = try transaction.query(
            """
            select c.epoch, e.namespace, \(ClusterKeys.columns) from cluster c, environment e
            where c.cluster = $1 and e.id = $2
            """,
            [.text(cluster), .int64(environment)]
        ).only()
        let post = AgentPost(
            fleetKey: fleetKey,
            worker: Self.worker,
            cluster: cluster,
            epoch: try row.int64(0),
            keyID: try ClusterKeys(row, from: 2).signing(now: now)
        )
        outbox.append(post.withdrawn(command, namespace: try row.string(1), now: now))
    }

    private func agentView(
        of command: Command,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> AgentView {
        let row = try transaction.query(
            """
            select k.last_seen, k.boot is null, handled_until($2, 'agent.status', k.status_partition, k.cluster),
                \(Self.objectsRead("$3")),
                coalesce(
                    (select i.health_reason from instance i where i.id = c.instance_id),
                    (select r.health_reason from resource r
                        where $4 and r.cluster = e.cluster and r.namespace = e.namespace
                            and r.kind = 'Certificate' and r.name = c.subject_name and not r.gone)),
                (select s.name from stage s where s.command = c.id and s.state = 'running' order by s.started_at limit 1),
                k.account_complete_since, k.account_heard_at, k.account_epoch, k.epoch
            from command c
            \(Self.surroundings)
            where c.id = $1 and k.cluster is not null
            """,
            [.uuid(command.id), .text(agentGroup), .text(resourceGroup), .bool(CertificateWatch.waits(command))]
        ).first
        guard let row else { return AgentView(MissingEvidence(agent: .neverSeen), consumedUntil: now) }
        let lastSeen = try row.optionalTimestamp(0)
        let isSilent = lastSeen.map { now - $0 > Int64(leaseSeconds) * 1_000_000 } ?? true
        let condition: AgentCondition = try row.bool(1) ? .neverSeen : isSilent ? .lost : .connected
        var evidence = MissingEvidence(agent: condition)
        evidence.unhealthy = try row.optionalString(4)
        evidence.hook = try row.optionalString(5)
        evidence.left = try WindowRefresh.left(of: command, in: transaction)
        let told = try row.optionalTimestamp(2)
        let shown = try row.optionalTimestamp(3)
        // What was applied is judged by its objects, of which the agent tells elsewhere.
        let consumed = command.state == .applied ? min(told ?? 0, shown ?? 0) : told
        let account = AgentAccount(
            completeSince: try row.optionalTimestamp(6),
            heardAt: try row.optionalTimestamp(7),
            epoch: try row.optionalInt64(8),
            of: try row.int64(9),
            lastSeen: lastSeen
        )
        return AgentView(evidence, consumedUntil: consumed, shownUntil: shown, account: account)
    }

    /// Marks agents as lost whose messages were read past their lease, so that Slipway's own delay loses nobody.
    private func missLostAgents(on connection: PostgresConnection) throws -> Bool {
        let lost = try connection.query(
            """
            with silent as materialized (
                select c.cluster from cluster c
                where c.state = any($3) and c.last_seen < now() - $1 * interval '1 second'
                    and c.status_partition is not null
                    and handled_until($2, 'agent.status', c.status_partition, c.cluster)
                        > c.last_seen + $1 * interval '1 second'
                order by c.cluster for no key update skip locked)
            update cluster c set state = 'lost', revision = revision + 1
            where c.cluster in (select cluster from silent)
            """,
            [.int32(Int32(leaseSeconds)), .text(agentGroup), .array(.texts(AgentState.endedBySilence))]
        )
        return lost.affected > 0
    }
}
