import Foundation
internal import JSON
import Postgres
import WorkerRuntime

/// A deployment of the past.
struct PastDeployment: Sendable, Hashable {
    /// The generation of the instance that it made.
    var generation: Int64
    /// The state in which its command ended; `nil` while it is open.
    var outcome: String?
    /// What it asked for.
    var desired: DesiredState
}

/// The deployments of instances: a row for each command that decided version or values.
///
/// A restart or a scaling in the place of a deployment includes it: when that succeeds it has a row, too.
enum DeploymentHistory {
    /// Which rows belong to the life that the instance `$1` has.
    ///
    /// Its row stays when it is deleted, and the name may come again. When it was made is not known of one that was
    /// made by an older worker: then a deletion that succeeded in its time counts, as it does for older workers.
    private static let ofThisLife = """
        generation >= (select coalesce(made_generation, 0) from instance where id = $1)
            and generation > (
                select coalesce(max(generation), 0) from command
                where instance_id = $1 and operation = 'instance.delete' and state = 'succeeded')
        """

    /// Whether a deployment was taken back, itself or with what took its place, before the agent had done any of that.
    private static let wasTakenBack = """
        coalesce(outcome, '') in ('canceled', 'superseded') and exists (
            select from command e
            where e.instance_id = $1 and e.state = 'canceled'
                and e.generation = (
                    select min(c.generation) from command c
                    where c.instance_id = $1 and c.generation >= deployment.generation and c.state <> 'superseded')
                and not exists (
                    select from command c join command_step s on s.command = c.id
                    where c.instance_id = $1 and c.generation between deployment.generation and e.generation
                        and s.state = 'applied'))
        """

    /// Writes down a deployment that begins.
    ///
    /// The command is written already, so nothing here refuses: where values of the past cannot be read any more, no
    /// differences are kept.
    ///
    /// - Parameter before: The newest desired state that it is made to, for what differs.
    static func begin(
        _ command: Command,
        _ desired: DesiredState,
        after before: DesiredState?,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let instance = command.instanceID else { return }
        let diff = try? ValuesDiff.between(before?.mergedValues ?? "", desired.mergedValues)
        try transaction.submit(
            """
            insert into deployment (instance_id, generation, command, operation, version, desired, diff, caller, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                .int64(instance), .int64(command.generation), .uuid(command.id), .text(command.operation),
                .text(desired.version), .jsonb(try desired.json), .jsonb(json(diff)), .text(command.caller),
                .timestamp(now),
            ]
        )
    }

    /// Notes how a deployment ended, or that another command has brought one.
    ///
    /// One that the cluster had done before the database was put back is one to go back to.
    ///
    /// - Parameter before: What succeeded last.
    static func end(
        _ command: Command,
        after before: DesiredState?,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let instance = command.instanceID else { return }
        if let release = try brought(by: command, after: before) {
            // It decided nothing: what differs stands in the row of the one that did.
            try begin(command, release, after: release, now: command.createdAt, in: transaction)
        } else if InstanceOperation(command: command.operation)?.isDeployment != true {
            return
        }
        try transaction.submit(
            """
            update deployment set outcome = $3, reason_code = $4, reason = $5, ended_at = $6
            where instance_id = $1 and generation = $2
            """,
            [
                .int64(instance), .int64(command.generation),
                .text((command.isBehindCluster ? .succeeded : command.state).rawValue),
                .optionalText(command.reason?.code), .optionalText(command.reason?.sentence), .timestamp(now),
            ]
        )
    }

    /// What a command has brought though another one decided it, which did not succeed itself; `nil` if nothing.
    ///
    /// Pure.
    static func brought(by command: Command, after before: DesiredState?) throws -> DesiredState? {
        guard command.state == .succeeded, !command.isRemoval,
            InstanceOperation(command: command.operation)?.isDeployment == false
        else { return nil }
        let desired = try DesiredState(json: command.desired)
        // What cannot be compared any more is taken for brought.
        if let before, (try? before.isUnchanged(in: desired)) == true { return nil }
        return desired
    }

    /// What succeeded last before a command of an instance, since that was made; `nil` if nothing did.
    static func newest(before command: Command, in transaction: borrowing PostgresTransaction) throws -> DesiredState? {
        guard let instance = command.instanceID else { return nil }
        let row = try transaction.query(
            """
            select desired::text from deployment
            where instance_id = $1 and generation < $2 and outcome = 'succeeded' and \(ofThisLife)
            order by generation desc limit 1
            """,
            [.int64(instance), .int64(command.generation)]
        ).first
        guard let row else { return nil }
        return try DesiredState(json: Array(try row.string(0).utf8))
    }

    /// The newest deployments of an instance since it was made, at most some of them, newest first.
    static func read(
        of instance: Int64,
        _ wanted: Wanted,
        limit: Int = 1,
        in transaction: borrowing PostgresTransaction
    ) throws -> [PastDeployment] {
        var parameters: [PostgresValue] = [.int64(instance)]
        let condition: String
        switch wanted {
        case .standing: condition = "not (\(wasTakenBack))"
        case .generation(let generation):
            condition = "generation = $2"
            parameters.append(.int64(generation))
        case .succeeded(version: let version):
            condition = "outcome = 'succeeded' and version_number(version) = version_number($2)"
            parameters.append(.text(version))
        case .succeededBefore(let generation):
            condition = "outcome = 'succeeded' and generation < $2"
            parameters.append(.int64(generation))
        }
        return try transaction.query(
            """
            select generation, outcome, desired::text from deployment
            where instance_id = $1 and \(condition) and \(ofThisLife)
            order by generation desc limit \(limit)
            """,
            parameters
        ).map {
            PastDeployment(
                generation: try $0.int64(0),
                outcome: try $0.optionalString(1),
                desired: try DesiredState(json: Array(try $0.string(2).utf8))
            )
        }
    }

    /// Which deployments are read.
    enum Wanted {
        /// Those that were not taken back: the newest of them is the present one.
        case standing
        /// The one that made a generation of the instance.
        case generation(Int64)
        /// Those of a version that succeeded.
        case succeeded(version: String)
        /// Those before a generation that succeeded.
        case succeededBefore(Int64)
    }

    /// The differences as JSON: a list of paths with what was and what will be, confidential values hidden.
    private static func json(_ diff: ValuesDiff?) -> [UInt8] {
        JSONWriter.array { json in
            if let diff { json.changes(diff) }
        }
    }
}

extension JSONWriter {
    /// Writes the differences between values, as elements of an array.
    mutating func changes(_ diff: ValuesDiff) {
        for change in diff.changes {
            object { json in
                json.member("path", change.path)
                json.member("kind", change.kind.rawValue)
                if let old = change.old { json.member("old", old) }
                if let new = change.new { json.member("new", new) }
            }
        }
    }
}
