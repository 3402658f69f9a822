internal import CloudEvents
import Foundation
internal import JSON
public import Postgres
public import WorkerRuntime

/// What the end of a command means for its instance, and what is published of an instance.
public struct InstanceProgress {
    /// The program that writes.
    public let worker: String

    /// Makes it for one program.
    public init(worker: String) {
        self.worker = worker
    }

    /// Frees the instance for the next command and publishes its state; success is a deployment others hear of.
    func commandEnded(
        _ command: Command,
        instance: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let before = try transaction.query("select running_version from instance where id = $1", [.int64(instance)])
            .first
        let wasRunning = try before?.optionalString(0)
        _ = try transaction.query(
            """
            update instance
            set open_command = case when open_command = $2 then null else open_command end,
                state = case
                    when open_command is distinct from $2 then state
                    when $3 = 'succeeded' then 'running'
                    when $3 in ('failed', 'timed_out') then 'failed'
                    else state end,
                running_version = case when $3 = 'succeeded' then desired_version else running_version end,
                running_generation = case when $3 = 'succeeded' then $4 else running_generation end,
                running_values = case when $3 = 'succeeded' then desired_values else running_values end,
                revision = revision + 1, changed_at = $5
            where id = $1
            """,
            [
                .int64(instance), .uuid(command.id), .text(command.state.rawValue), .int64(command.generation),
                .timestamp(now),
            ]
        )
        try publish([instance], now: now, outbox: outbox, in: transaction)
        guard command.state == .succeeded else { return }
        try announce(command, instance: instance, isFirst: wasRunning == nil, now: now, outbox: outbox, in: transaction)
    }

    /// Notes what the instance runs though its command has ended otherwise, such as by a deadline.
    ///
    /// The command stays ended; what the database says to run must be what the cluster runs. A result of an older
    /// generation than the one that runs changes nothing.
    func appliedLate(
        _ command: Command,
        instance: Int64,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let release = try JSONDecoder().decode(ReleaseRequested.self, from: Data(command.desired))
        let changed = try transaction.query(
            """
            update instance
            set running_version = $2, running_generation = $3,
                running_values = case when generation = $3 then desired_values else running_values end,
                revision = revision + 1, changed_at = $4
            where id = $1 and coalesce(running_generation, 0) < $3
            """,
            [.int64(instance), .text(release.version), .int64(command.generation), .timestamp(now)]
        )
        guard changed.affected == 1 else { return }
        try publish([instance], now: now, outbox: outbox, in: transaction)
    }

    /// Publishes the state of instances whose rows the transaction has locked, as it stands now.
    public func publish(
        _ instances: [Int64],
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let rows = try transaction.query(
            """
            select e.project, e.environment, i.instance, i.application, i.desired_version, i.running_version, i.state,
                i.health, i.health_reason, i.pods_ready, i.pods_total, i.generation, i.revision, i.open_command
            from instance i join environment e on e.id = i.environment_id
            where i.id = any($1) order by i.id
            """,
            [.array(.int64s(instances))]
        )
        for row in rows { outbox.append(try InstanceStatus(row).record(worker: worker, now: now)) }
    }

    private func announce(
        _ command: Command,
        instance: Int64,
        isFirst: Bool,
        now: Int64,
        outbox: OutboxBuffer,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard
            let row = try transaction.query(
                """
                select a.artifact, i.desired_version, v.digest, v.image
                from instance i join environment e on e.id = i.environment_id
                join application a on a.project = e.project and a.application = i.application
                left join version v on v.artifact = a.artifact and v.version = i.desired_version
                where i.id = $1
                """,
                [.int64(instance)]
            ).first
        else { return }
        let artifact = ArtifactID.make(
            name: try row.string(0),
            version: try row.string(1),
            digest: try row.optionalString(2),
            image: try row.optionalString(3)
        )
        outbox.append(
            CDEvent.service(
                isFirst ? .deployed : .upgraded,
                environment: command.key,
                service: command.subjectName,
                artifact: artifact,
                id: DerivedID.make("cdevent", command.id.uuidString).uuidString.lowercased(),
                worker: worker,
                time: now,
                traceparent: command.traceparent
            )
        )
    }
}

/// The state of an instance as it is published.
public struct InstanceStatus: Sendable {
    let project: String
    let environment: String
    let instance: String
    let application: String
    let desiredVersion: String
    let runningVersion: String?
    let state: String
    let health: String
    let healthReason: String?
    let podsReady: Int32
    let podsTotal: Int32
    let generation: Int64
    let revision: Int64
    let command: UUID?

    init(_ row: PostgresRow) throws {
        project = try row.string(0)
        environment = try row.string(1)
        instance = try row.string(2)
        application = try row.string(3)
        desiredVersion = try row.string(4)
        runningVersion = try row.optionalString(5)
        state = try row.string(6)
        health = try row.string(7)
        healthReason = try row.optionalString(8)
        podsReady = try row.int32(9)
        podsTotal = try row.int32(10)
        generation = try row.int64(11)
        revision = try row.int64(12)
        command = try row.optionalUUID(13)
    }

    /// The message: the latest state, keyed by the instance.
    func record(worker: String, now: Int64) -> OutboxRecord {
        let key = "\(project)/\(environment)/\(instance)"
        let data = JSONWriter.object { json in
            json.member("project", project)
            json.member("environment", environment)
            json.member("instance", instance)
            json.member("application", application)
            json.member("desiredVersion", desiredVersion)
            json.member("runningVersion", runningVersion)
            json.member("state", state)
            json.member("health", health)
            json.member("healthReason", healthReason)
            json.objectMember("pods") { pods in
                pods.member("ready", podsReady)
                pods.member("total", podsTotal)
            }
            json.member("generation", generation)
            json.member("command", command?.uuidString.lowercased())
            json.member("revision", revision)
            json.member("time", RFC3339.format(microseconds: now))
        }
        return OutboxRecord(
            topic: "instance.status",
            key: key,
            event: OutgoingEvent(
                id: DerivedID.make("instance.status", key, String(revision)).uuidString.lowercased(),
                type: "slipway.instance.status.v1",
                source: "/slipway/\(worker)",
                subject: key,
                time: now,
                data: data,
                extensions: [("revision", String(revision))]
            ),
            coalesces: true
        )
    }
}
