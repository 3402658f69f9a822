import ArgumentParser
import Foundation
import Postgres

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how the fleet does: workers, agents, open commands, outbox, parked keys."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    struct Worker: Encodable {
        let name: String
        let host: String
        let pid: Int32
        let instance: String?
        let version: Int32
        let isAlive: Bool
        let lastSeen: String
    }

    struct Cluster: Encodable {
        let cluster: String
        let state: String
        let epoch: Int64
        let lastSeen: String
    }

    /// How many messages of a topic came out how, since the fleet began.
    struct Messages: Encodable {
        let group: String
        let topic: String
        let consumed: Int64
        let applied: Int64
        let repeated: Int64
        let stale: Int64
        let rejected: Int64
        let deadLettered: Int64
        let parked: Int64

        var counts: [Int64] { [consumed, applied, repeated, stale, rejected, deadLettered, parked] }
    }

    struct Report: Encodable {
        var workers: [Worker] = []
        /// What every living worker understands.
        var fleetVersion: Int32?
        var clusters: [Cluster] = []
        var openCommands = 0
        var outboxWaiting = 0
        var outboxFailed = 0
        var parkedKeys = 0
        var parkedOverdue = 0
        var messages: [Messages] = []
    }

    func run() throws {
        let database = try connection.connect()
        let report = try read(database)
        database.close()
        if output.json { return try printJSON(report) }
        let terminal = Terminal()
        terminal.table(
            ["WORKER", "WHERE", "VERSION", "LAST SEEN"],
            report.workers.map { worker in
                let place = worker.instance ?? "\(worker.host) (\(worker.pid))"
                return [worker.name, place, "\(worker.version)", worker.isAlive ? "now" : worker.lastSeen]
            }
        )
        if let version = report.fleetVersion { terminal.line("all that live understand version \(version)") }
        terminal.table(
            ["CLUSTER", "AGENT", "EPOCH", "LAST SEEN"],
            report.clusters.map { [$0.cluster, $0.state, "\($0.epoch)", $0.lastSeen] }
        )
        terminal.line(
            "\(report.openCommands) open commands, \(report.outboxWaiting) messages to publish, \(report.outboxFailed) "
                + "that cannot be, \(report.parkedKeys) parked keys (\(report.parkedOverdue) overdue)"
        )
        terminal.table(
            ["GROUP", "TOPIC", "CONSUMED", "APPLIED", "REPEATED", "STALE", "REJECTED", "DEAD", "PARKED"],
            report.messages.map { [$0.group, $0.topic] + $0.counts.map(String.init) }
        )
    }

    private func read(_ database: PostgresConnection) throws -> Report {
        var report = Report()
        report.workers = try workers(database)
        report.fleetVersion = try database.query("select fleet_version()").only().optionalInt32(0)
        report.clusters = try database.query(
            "select cluster, state, epoch, coalesce(\(Instant.text("last_seen")), 'never') from cluster where deleted_at is null order by 1"
        ).map {
            Cluster(
                cluster: try $0.string(0),
                state: try $0.string(1),
                epoch: try $0.int64(2),
                lastSeen: try $0.string(3)
            )
        }
        let counts = try database.query(
            """
            select (select count(*) from command where state in ('accepted', 'sent', 'acknowledged', 'applied')),
                (select coalesce(sum(messages), 0)::bigint from outbox), (select count(*) from outbox_failed), (select count(*) from parked_key),
                (select count(*) from parked_key where due < now() - interval '1 minute')
            """
        ).only()
        report.openCommands = Int(try counts.int64(0))
        report.outboxWaiting = Int(try counts.int64(1))
        report.outboxFailed = Int(try counts.int64(2))
        report.parkedKeys = Int(try counts.int64(3))
        report.parkedOverdue = Int(try counts.int64(4))
        report.messages = try database.query(
            """
            select consumer_group, topic, sum(consumed)::bigint, sum(applied)::bigint, sum(repeated)::bigint,
                sum(stale)::bigint, sum(rejected)::bigint, sum(dead_lettered)::bigint, sum(parked)::bigint
            from partition_claim group by 1, 2 order by 1, 2
            """
        ).map { row in
            Messages(
                group: try row.string(0),
                topic: try row.string(1),
                consumed: try row.int64(2),
                applied: try row.int64(3),
                repeated: try row.int64(4),
                stale: try row.int64(5),
                rejected: try row.int64(6),
                deadLettered: try row.int64(7),
                parked: try row.int64(8)
            )
        }
        return report
    }

    /// The workers of the last day; those that ended cleanly have no row any more.
    private func workers(_ database: PostgresConnection) throws -> [Worker] {
        try database.query(
            """
            select w.name, w.host, w.pid, w.instance, w.version, exists (select from live_worker l where l.id = w.id),
                \(Instant.text("w.seen_at"))
            from worker w order by 1, 4, 2, 3
            """
        ).map { row in
            Worker(
                name: try row.string(0),
                host: try row.string(1),
                pid: try row.int32(2),
                instance: try row.optionalString(3),
                version: try row.int32(4),
                isAlive: try row.bool(5),
                lastSeen: try row.string(6)
            )
        }
    }
}
