internal import CloudEvents
import Foundation
internal import JSON
public import Postgres
public import WorkerRuntime

/// What the end of a command means for its environment, and what is published of an environment.
public struct EnvironmentProgress {
    /// The program that writes.
    public let worker: String

    /// Makes it for one program.
    public init(worker: String) {
        self.worker = worker
    }

    /// An environment becomes active when its namespace is there, and failed when it cannot be made.
    func commandEnded(
        _ command: Command,
        environment: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let isActive = command.state == .succeeded
        _ = try transaction.query(
            """
            update environment set state = $2, reason_code = $3, reason = $4, revision = revision + 1
            where id = $1 and state <> 'active'
            """,
            [
                .int64(environment), .text(isActive ? "active" : "failed"), .optionalText(command.reason?.code),
                .optionalText(command.reason?.sentence),
            ]
        )
        try publish(environment, now: now, outbox: outbox, in: transaction)
        guard isActive else { return }
        outbox.append(
            CDEvent.environmentCreated(
                command.key,
                id: DerivedID.make("cdevent", command.id.uuidString).uuidString.lowercased(),
                worker: worker,
                time: now
            )
        )
    }

    /// Publishes the state of an environment whose row the transaction has locked.
    public func publish(
        _ environment: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let row = try transaction.query(
            """
            select project, environment, cluster, namespace, state, reason_code, reason, revision
            from environment where id = $1
            """,
            [.int64(environment)]
        ).only()
        let key = "\(try row.string(0))/\(try row.string(1))"
        let revision = try row.int64(7)
        let reason = try row.optionalString(5).map { code in
            Reason(code: code, sentence: try row.optionalString(6) ?? "")
        }
        let (project, name) = (try row.string(0), try row.string(1))
        let (cluster, namespace, state) = (try row.string(2), try row.string(3), try row.string(4))
        let data = JSONWriter.object { json in
            json.member("project", project)
            json.member("environment", name)
            json.member("cluster", cluster)
            json.member("namespace", namespace)
            json.member("state", state)
            json.member("reason", reason)
            json.member("revision", revision)
            json.member("time", RFC3339.format(microseconds: now))
        }
        outbox.append(
            OutboxRecord(
                topic: "environment.status",
                key: key,
                event: OutgoingEvent(
                    id: DerivedID.make("environment.status", key, String(revision)).uuidString.lowercased(),
                    type: "slipway.environment.status.v1",
                    source: "/slipway/\(worker)",
                    subject: key,
                    time: now,
                    data: data,
                    extensions: [("revision", String(revision))]
                ),
                coalesces: true
            )
        )
    }
}
