import Foundation
import Postgres

/// A process's row among the fleet's workers: written before it takes its first message, renewed while it lives.
struct WorkerPresence: Sendable {
    /// How often the row is renewed; see `live_worker` for how long it counts.
    static let period: Duration = .seconds(5)

    let id = UUID()
    /// The executable's name.
    let name: String
    /// The stable name of the process, if it has one.
    let instance: String?
    var version = FleetVersion.own
    /// This machine's clock: microseconds since 1970.
    var clock: @Sendable () -> Int64 = WallClock().now

    /// Says that the process lives, and how its clock differs from the database's.
    func renew(on connection: PostgresConnection) throws(PostgresError) {
        let process = ProcessInfo.processInfo
        let (ahead, unsure) = try difference(on: connection)
        _ = try connection.query(
            """
            insert into worker as w (id, name, host, pid, instance, version, clock_ahead_us, clock_unsure_us)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (id) do update set seen_at = clock_timestamp(), clock_ahead_us = excluded.clock_ahead_us,
                clock_unsure_us = excluded.clock_unsure_us
            """,
            [
                .uuid(id), .text(name), .text(process.hostName), .int32(process.processIdentifier),
                .optionalText(instance), .int32(version), .int64(ahead), .int64(unsure),
            ]
        )
    }

    /// By how much this clock is ahead of the database's, and how far that may be off: the database looked at its own at
    /// some time between question and answer.
    private func difference(
        on connection: PostgresConnection
    ) throws(PostgresError) -> (ahead: Int64, unsure: Int64) {
        let began = ContinuousClock.now
        let asked = clock()
        let there = try connection.query("select clock_timestamp()").only().timestamp(0)
        // By the clock that nobody sets.
        let (seconds, attoseconds) = (ContinuousClock.now - began).components
        let half = (seconds * 1_000_000 + attoseconds / 1_000_000_000_000) / 2
        return (asked + half - there, half)
    }

    /// Takes the row away: the process has ended its work.
    func end(on connection: PostgresConnection) throws(PostgresError) {
        _ = try connection.query("delete from worker where id = $1", [.uuid(id)])
    }
}
