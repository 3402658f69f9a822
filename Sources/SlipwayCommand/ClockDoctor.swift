import Postgres

/// Compares the clocks of workers, agents and brokers with the database's, as far as they have told of them.
struct ClockDoctor {
    let database: PostgresConnection

    /// Clocks that are further apart are worth a word; microseconds.
    private static let skew: Int64 = 1_000_000
    /// Clocks that are further apart are wrong.
    private static let wrong: Int64 = 60_000_000

    func findings() throws -> [Finding] {
        let workers = try readings(
            """
            select name || ' (process ' || pid || ' on ' || host || ')', clock_ahead_us, clock_unsure_us
            from worker
            where seen_at > clock_timestamp() - interval '30 seconds' and clock_ahead_us is not null
            order by 1
            """
        )
        let agents = try readings(
            """
            select 'the agent of ' || cluster, clock_ahead_us, 0::bigint
            from cluster
            where deleted_at is null and state = 'connected' and clock_ahead_us is not null
            order by 1
            """
        )
        let found = workers.compactMap(finding) + agents.compactMap(agent) + (try broker())
        guard found.isEmpty else { return found }
        let says = "those of \(workers.count) workers and \(agents.count) agents are the database's, within a second"
        return [Finding("clocks", .right, says)]
    }

    /// What is known of one clock.
    private struct Reading {
        let whose: String
        let ahead: Int64
        let unsure: Int64

        var apart: Int64 { max(0, abs(ahead) - unsure) }
        var words: String {
            let seconds = Double((abs(ahead) + 50_000) / 100_000) / 10
            return "that of \(whose) is \(seconds) s \(ahead > 0 ? "ahead of" : "behind") the database's"
        }
    }

    private func readings(_ sql: String) throws -> [Reading] {
        try database.query(sql).map { row in
            Reading(whose: try row.string(0), ahead: try row.int64(1), unsure: try row.int64(2))
        }
    }

    private func finding(_ reading: Reading) -> Finding? {
        guard reading.apart > Self.skew else { return nil }
        return Finding("clocks", reading.apart > Self.wrong ? .wrong : .warning, reading.words)
    }

    /// Of an agent that seems to be behind nobody knows whether all that it said in an hour has waited on its way.
    private func agent(_ reading: Reading) -> Finding? {
        guard reading.ahead < 0, reading.apart > Self.skew else { return finding(reading) }
        return Finding("clocks", .warning, reading.words + ", unless all that it says comes late")
    }

    /// The brokers' clock, by the newest word of an agent that a broker stamped: it shows only when it is ahead.
    private func broker() throws -> [Finding] {
        let ahead = try database.query(
            "select (extract(epoch from max(last_seen) - clock_timestamp()) * 1000000)::bigint from cluster"
        ).only().optionalInt64(0)
        return [finding(Reading(whose: "a broker", ahead: max(0, ahead ?? 0), unsure: 0))].compactMap(\.self)
    }
}
