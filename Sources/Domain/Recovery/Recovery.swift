public import Postgres
import WorkerRuntime

/// Makes a database that was restored from a back-up, or failed over, the fleet's truth again.
///
/// What others have seen since the back-up is numbered higher than what the database knows, and would win over all that
/// follows. So every number that others compare jumps beyond what can have been given out; then agents are asked to
/// say again what there is, and subscribers are told the newest state of everything.
public struct Recovery: Sendable {
    /// By how much epochs, revisions and generations rise.
    public static let jump: Int64 = 1 << 32

    /// What the audit log calls it.
    static let act = "recover"

    private let fleetKey: FleetKey
    private static let worker = "recover"

    /// What a recovery did, in numbers.
    public struct Report: Sendable, Hashable, Encodable {
        /// Claims of partitions whose epoch rose.
        public internal(set) var claims = 0
        /// Clusters whose agents were asked for their hello.
        public internal(set) var clusters = 0
        /// Environments whose revision rose.
        public internal(set) var environments = 0
        /// Instances whose revision and generation rose.
        public internal(set) var instances = 0
        /// Objects whose revision rose.
        public internal(set) var resources = 0
        /// Networks, domains, certificates, config maps and secrets whose revision and generation rose.
        public internal(set) var objects = 0
        /// Commands that are open: they are sent again when their agents say hello.
        public internal(set) var openCommands = 0
        /// Projects, applications, rules and all else whose revision rose.
        public internal(set) var others = 0
        /// Keys whose newest state was put into the outbox.
        public internal(set) var published = 0
    }

    /// Makes a recovery.
    ///
    /// - Parameter fleetKey: Signs what is asked of agents.
    public init(fleetKey: FleetKey) {
        self.fleetKey = fleetKey
    }

    /// Recovers in one transaction, then publishes everything in smaller ones.
    ///
    /// What it does not come to publish, the timekeeper publishes: the keys are marked in the first transaction.
    ///
    /// - Parameters:
    ///   - isForced: Whether to do so although the database is the one that the fleet worked with.
    ///   - caller: Who does it, for the audit log.
    /// - Throws: ``StartError`` where nothing needs recovering or the server is a standby, or a `PostgresError`.
    public func run(
        on connection: PostgresConnection,
        isForced: Bool = false,
        by caller: String? = nil
    ) throws -> Report {
        // All rows of the largest tables are written in one transaction.
        try connection.withoutStatementLimit { try recover(on: connection, isForced: isForced, by: caller) }
    }

    private func recover(on connection: PostgresConnection, isForced: Bool, by caller: String?) throws -> Report {
        let isTheSame = try Installation.isTheOneWorkedWith(connection)
        guard isForced || !isTheSame else {
            throw StartError("The database is the one that the fleet worked with: there is nothing to recover.")
        }
        let identity = try connection.serverIdentity()
        guard !identity.isStandby else {
            throw StartError("The server is a standby: promote it, or recover on the primary.")
        }
        var report = try connection.transaction { (transaction: borrowing PostgresTransaction) in
            let report = try renumber(identity, in: transaction)
            var entry = AuditEntry(decidedBy: "slipway", caller: caller, operation: Self.act, outcome: "done")
            entry.subjectName = isTheSame ? "forced" : "restored database"
            try AuditLog.write([entry], in: transaction)
            return report
        }
        while true {
            let count = try Republication.round(on: connection)
            if count == 0 { return report }
            report.published += count
        }
    }

    private func renumber(
        _ identity: PostgresServerIdentity,
        in transaction: borrowing PostgresTransaction
    ) throws -> Report {
        var report = Report()
        report.claims = try Installation.adopt(identity, jump: Self.jump, in: transaction)
        let tables = try counters(in: transaction)
        for table in tables where table.name == "resource" { report.resources = try raise(table, in: transaction) }
        try transaction.submit("update resource_stream set mark = 0")
        report.clusters = try clusters(in: transaction)
        for table in tables where table.name != "resource" {
            let count = try raise(table, in: transaction)
            switch table.name {
            case "environment": report.environments = count
            case "instance": report.instances = count
            case "environment_object": report.objects = count
            default: report.others += count
            }
        }
        report.openCommands = try reopen(in: transaction)
        _ = try Republication.markEverything(in: transaction)
        return report
    }

    /// Gives open commands their time anew: all of it may have passed since the back-up, and nobody could tell.
    private func reopen(in transaction: borrowing PostgresTransaction) throws(PostgresError) -> Int {
        try transaction.query(
            """
            update command set revision = revision + $1,
                step_deadline = greatest(step_deadline, clock_timestamp() + interval '1 second'
                    * step_seconds[case state when 'acknowledged' then 2 when 'applied' then 3 else 1 end]),
                deadline = greatest(deadline, clock_timestamp() + (deadline - created_at))
            where state in ('accepted', 'sent', 'acknowledged', 'applied')
            """,
            [.int64(Self.jump)]
        ).affected
    }

    /// A table whose rows have counters that others compare.
    private struct Counters {
        let name: String
        let hasGeneration: Bool
    }

    /// The tables whose rows have a revision, in the order in which they may be locked; so no new one is forgotten.
    ///
    /// Without those that are raised in their own way, and the ledger, which is history. An object's generation is
    /// Kubernetes'; that of every other row is the fleet's and rises too.
    private func counters(in transaction: borrowing PostgresTransaction) throws(PostgresError) -> [Counters] {
        let rows = try transaction.query(
            """
            select c.relname::text, bool_or(a.attname = 'generation' and c.relname <> 'resource')
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relnamespace = current_schema()::text::regnamespace and c.relkind in ('r', 'p')
                and not c.relispartition and a.attname in ('revision', 'generation')
                and c.relname not in ('cluster', 'command', 'command_step')
            group by c.relname having bool_or(a.attname = 'revision')
            order by array_position(array['environment', 'instance', 'environment_object'], c.relname::text) nulls last, c.relname
            """
        )
        var tables: [Counters] = []
        for row in rows { tables.append(Counters(name: try row.string(0), hasGeneration: try row.bool(1))) }
        return tables
    }

    /// Raises counters; what was never published keeps its place before the first revision.
    private func raise(_ table: Counters, in transaction: borrowing PostgresTransaction) throws(PostgresError) -> Int {
        let generation = table.hasGeneration ? ", generation = generation + $1" : ""
        return try transaction.query(
            "update \"\(table.name)\" set revision = revision + $1\(generation) where revision > 0",
            [.int64(Self.jump)]
        ).affected
    }

    /// Gives each agent a new epoch, in which it numbers its messages from 1, and asks it for its hello.
    ///
    /// Also one that has not spoken yet, as far as the database knows: it may have since the back-up.
    /// Streams and objects are compared by epoch first, so theirs need not jump: all that the agents say under the new
    /// epoch is later, and all that they said before it is behind.
    private func clusters(in transaction: borrowing PostgresTransaction) throws -> Int {
        let rows = try transaction.query(
            """
            update cluster set revision = revision + $1, sequence = 0, epoch = epoch + $1
            returning cluster, epoch, clock_timestamp(), \(ClusterKeys.columns)
            """,
            [.int64(Self.jump)]
        )
        try transaction.submit(
            """
            update agent_boot b set epoch = c.epoch from cluster c where c.cluster = b.cluster and c.boot = b.boot
            """
        )
        let outbox = OutboxBuffer()
        for row in rows {
            let now = try row.timestamp(2)
            let post = AgentPost(
                fleetKey: fleetKey,
                worker: Self.worker,
                cluster: try row.string(0),
                epoch: try row.int64(1),
                keyID: try ClusterKeys(row, from: 3).signing(now: now)
            )
            outbox.append(post.helloRequested(now: now))
        }
        try OutboxWriter.write(outbox, in: transaction)
        return rows.count
    }
}
