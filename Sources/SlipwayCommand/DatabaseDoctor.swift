import Domain
import Foundation
import Postgres
import WorkerRuntime

/// Looks at the database: its schema, its clock, its settings, and who is at work on it.
struct DatabaseDoctor {
    let connect: () throws -> PostgresConnection

    /// More seconds than this between two clocks are worth a word.
    private static let skew = 5.0
    /// A transaction that is open for longer is worth a word.
    private static let longTransaction = Duration.seconds(300)

    func findings() -> [Finding] {
        let database: PostgresConnection
        do {
            database = try connect()
        } catch {
            return [Finding("database", .wrong, "\(error)")]
        }
        defer { database.close() }
        let looks: [(String, (PostgresConnection) throws -> [Finding])] = [
            ("schema", schema), ("origin", origin), ("clock", clock),
            ("clocks", { try ClockDoctor(database: $0).findings() }),
            ("settings", settings), ("workers", workers),
            ("agents", agents), ("transactions", transactions),
            ("outbox", outbox), ("set aside", setAside),
        ]
        return looks.flatMap { name, look in
            do {
                return try look(database)
            } catch {
                return [Finding(name, .wrong, "\(error)")]
            }
        }
    }

    private func schema(_ database: PostgresConnection) throws -> [Finding] {
        let migrator = PostgresMigrator(fleetMigrations)
        let pending = try migrator.pending(on: database)
        guard pending.isEmpty else {
            return [
                Finding("schema", .wrong, "\(pending.joined(separator: ", ")) were not applied; run 'slipway migrate'")
            ]
        }
        let newer = try migrator.newer(on: database)
        guard newer.isEmpty else {
            let names = newer.joined(separator: ", ")
            return [Finding("schema", .right, "has \(names) of a newer version, which this one may work with")]
        }
        return [Finding("schema", .right, "is up to date")]
    }

    /// A restored database knows less than the topics tell: workers refuse it until it was recovered.
    private func origin(_ database: PostgresConnection) throws -> [Finding] {
        guard try Installation.isTheOneWorkedWith(database) else {
            return [
                Finding(
                    "origin",
                    .wrong,
                    "it was restored from a back-up or promoted; run 'slipway recover' before workers"
                )
            ]
        }
        return [Finding("origin", .right, "is the one that the fleet has worked with")]
    }

    /// The fleet goes by the database's clock; tokens and people by others.
    private func clock(_ database: PostgresConnection) throws -> [Finding] {
        let before = Date()
        let now = try database.query("select clock_timestamp()").only().timestamp(0)
        let here = (before.timeIntervalSince1970 + Date().timeIntervalSince1970) / 2
        let apart = Double(now) / 1_000_000 - here
        guard abs(apart) > Self.skew else { return [Finding("clock", .right, "the database's is this machine's")] }
        let ahead = apart > 0 ? "ahead of" : "behind"
        return [
            Finding(
                "clock",
                .warning,
                "the database's is \(Int(abs(apart))) seconds \(ahead) this machine's; tokens made here may not be valid yet"
            )
        ]
    }

    /// What the server's settings make of commits, of hot tables and of keys.
    private func settings(_ database: PostgresConnection) throws -> [Finding] {
        let row = try database.query(
            """
            select pg_is_in_recovery(), current_setting('fsync'), current_setting('synchronous_commit'),
                current_setting('full_page_writes'), current_setting('autovacuum'), pg_encoding_to_char(encoding),
                datcollate, coalesce(to_jsonb(d) ->> 'datlocprovider', 'c')
            from pg_database d where datname = current_database()
            """
        ).only()
        if try row.bool(0) { return [Finding("durability", .wrong, "the database is a standby that takes no writes")] }
        return DatabaseSettings(
            fsync: try row.string(1),
            synchronousCommit: try row.string(2),
            fullPageWrites: try row.string(3),
            autovacuum: try row.string(4),
            encoding: try row.string(5),
            locale: try row.string(7) == "i" ? "a language (ICU)" : try row.string(6)
        ).findings
    }

    private func workers(_ database: PostgresConnection) throws -> [Finding] {
        let live = Set(
            try database.query("select distinct name from live_worker").map { try $0.string(0) }
        )
        let wanted = [
            "release-worker", "deployment-worker", "agent-worker", "resource-worker", "outbox-relay", "timekeeper",
        ]
        let missing = wanted.filter { !live.contains($0) }
        guard missing.isEmpty else {
            return [Finding("workers", .warning, "no \(missing.joined(separator: ", ")) lives")]
        }
        return [Finding("workers", .right, "one of each at least is at work")]
    }

    private func agents(_ database: PostgresConnection) throws -> [Finding] {
        try database.query(
            "select cluster, state from cluster where deleted_at is null and state <> 'connected' order by cluster"
        ).map { row in
            Finding(
                "agents",
                .warning,
                "the agent of '\(try row.string(0))' is \(try row.string(1)); whoever runs it must act"
            )
        }
    }

    /// Dead versions of rows that change with each message stay for as long as somebody may see them.
    private func transactions(_ database: PostgresConnection) throws -> [Finding] {
        // Of those that are open for an unknown time nearly all end at once.
        let all = try database.transactions(openFor: Self.longTransaction)
        let old = all.filter { $0.keepsVersions && $0.seconds != nil }
        guard old.isEmpty else {
            return [
                Finding(
                    "transactions",
                    .warning,
                    "the fleet gets slower while they keep dead rows: "
                        + old.map(\.description).joined(separator: ", ") + "; see docs/postgresql.md"
                )
            ]
        }
        guard let role = try database.roleWithoutStatistics() else {
            return [Finding("transactions", .right, "none keeps dead rows for more than five minutes")]
        }
        return [
            Finding(
                "transactions",
                .warning,
                "those of other roles cannot be seen, and one that is long makes the fleet slower; "
                    + "have a superuser 'grant pg_read_all_stats to \(role)'"
            )
        ]
    }

    private func setAside(_ database: PostgresConnection) throws -> [Finding] {
        let row = try database.query(
            "select count(*), coalesce(min(\(Instant.text("failed_at"))), '') from outbox_failed"
        ).only()
        let (count, since) = (try row.int64(0), try row.string(1))
        guard count > 0 else { return [Finding("set aside", .right, "no message was refused by the broker")] }
        return [
            Finding(
                "set aside",
                .wrong,
                "\(count) messages were refused by the broker, the first at \(since); 'slipway stuck' says why, and "
                    + "'slipway stuck retry' sends them again"
            )
        ]
    }

    private func outbox(_ database: PostgresConnection) throws -> [Finding] {
        let row = try database.query(
            """
            select coalesce(sum(messages), 0)::bigint, coalesce(extract(epoch from now() - min(created_at)), 0)::bigint
            from outbox
            """
        ).only()
        let (count, age) = (try row.int64(0), try row.int64(1))
        guard age > 60 else { return [Finding("outbox", .right, "\(count) messages wait to be published")] }
        return [
            Finding(
                "outbox",
                .wrong,
                "\(count) messages wait, the oldest for \(age) seconds; does a relay run, and take the broker what it sends?"
            )
        ]
    }
}
