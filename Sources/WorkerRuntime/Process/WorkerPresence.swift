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

    /// Says that the process lives.
    func renew(on connection: PostgresConnection) throws(PostgresError) {
        let process = ProcessInfo.processInfo
        _ = try connection.query(
            """
            insert into worker as w (id, name, host, pid, instance, version) values ($1, $2, $3, $4, $5, $6)
            on conflict (id) do update set seen_at = clock_timestamp()
            """,
            [
                .uuid(id), .text(name), .text(process.hostName), .int32(process.processIdentifier),
                .optionalText(instance), .int32(version),
            ]
        )
    }

    /// Takes the row away: the process has ended its work.
    func end(on connection: PostgresConnection) throws(PostgresError) {
        _ = try connection.query("delete from worker where id = $1", [.uuid(id)])
    }
}
