import Domain
import Foundation
import Postgres

/// Reads the details of an instance or an environment, named by its parts, or of a command.
struct DetailReader {
    let database: PostgresConnection
    /// Project and environment, and the instance where one is meant.
    let parts: [String]
    /// The command that alone is meant: what is told of its place, such as Events, is told nevertheless.
    var command: UUID?

    /// The place as parameters 1 to 3.
    private var place: [PostgresValue] {
        [.text(parts[0]), .text(parts[1]), .optionalText(parts.count == 3 ? parts[2] : nil)]
    }

    /// The place, and the command as the fourth parameter.
    private var placeAndCommand: [PostgresValue] {
        place + [command.map { .uuid($0) } ?? .null]
    }

    /// A reader of what a command was about.
    ///
    /// - Returns: `nil` where there is no such command, or it is about nothing in an environment.
    static func ofCommand(_ id: UUID, _ database: PostgresConnection) throws -> DetailReader? {
        let row = try database.query(
            "select project, environment, subject_kind, subject_name from command where id = $1",
            [.uuid(id)]
        ).first
        guard let row, let project = try row.optionalString(0), let environment = try row.optionalString(1)
        else { return nil }
        let instance = try row.string(2) == "instance" ? [try row.string(3)] : []
        return DetailReader(database: database, parts: [project, environment] + instance, command: id)
    }

    func read(_ wanted: DetailOptions) throws -> Details {
        var details = Details()
        if wanted.stages { details.stages = try stages() }
        if wanted.events { details.events = try events() }
        if wanted.values { details.deployments = try deployments() }
        if wanted.operations { details.operations = try operations() }
        return details
    }

    private func stages() throws -> [StageDetail] {
        try database.query(
            """
            select c.operation, c.generation, s.name, s.kind, s.state, \(Instant.text("s.started_at")),
                \(Instant.text("s.ended_at")), s.output, s.truncated
            from stage s join command c on c.id = s.command
            where c.key = $1 || '/' || $2 and c.project = $1 and c.environment = $2
                and ($3::text is null or (c.subject_kind = 'instance' and c.subject_name = $3))
                and ($4::uuid is null or c.id = $4)
            order by c.created_at desc, s.weight, s.started_at limit 50
            """,
            placeAndCommand
        ).map { row in
            StageDetail(
                operation: try row.string(0),
                generation: try row.int64(1),
                stage: try row.string(2),
                kind: try row.optionalString(3),
                state: try row.optionalString(4),
                began: try row.optionalString(5),
                ended: try row.optionalString(6),
                output: try row.optionalString(7),
                truncated: try row.bool(8)
            )
        }
    }

    private func events() throws -> [EventDetail] {
        try database.query(
            """
            select * from (
                select \(Instant.text("v.last_time")), v.type, v.kind || '/' || v.name, v.reason, v.message, v.count
                from cluster_event v join environment e on e.cluster = v.cluster and e.namespace = v.namespace
                where e.project = $1 and e.environment = $2 and e.state <> 'deleted'
                    and ($3::text is null or v.instance = $3)
                order by v.last_time desc limit 50
            ) newest(at, type, object, reason, message, count) order by at
            """,
            place
        ).map { row in
            EventDetail(
                lastTime: try row.string(0),
                type: try row.string(1),
                object: try row.string(2),
                reason: try row.string(3),
                message: try row.string(4),
                count: try row.int32(5)
            )
        }
    }

    private func deployments() throws -> [DeploymentDetail] {
        try database.query(
            """
            select d.generation, d.operation, d.version, d.caller, \(Instant.text("d.created_at")), d.outcome,
                d.desired::text, d.diff::text
            from deployment d join instance i on i.id = d.instance_id join environment e on e.id = i.environment_id
            where e.project = $1 and e.environment = $2 and ($3::text is null or i.instance = $3)
                and ($4::uuid is null or d.command = $4)
            order by d.created_at desc limit 20
            """,
            placeAndCommand
        ).map { row in
            DeploymentDetail(
                generation: try row.int64(0),
                operation: try row.string(1),
                version: try row.string(2),
                caller: try row.string(3),
                at: try row.string(4),
                outcome: try row.optionalString(5),
                values: ShownValue.all(ofDesired: Array(try row.string(6).utf8)),
                differences: ShownValue.differences(Array(try row.string(7).utf8))
            )
        }
    }

    private func operations() throws -> [OperationDetail] {
        try database.query(
            """
            select * from (
                select \(Instant.text("created_at")),
                    case when state in ('accepted', 'sent', 'acknowledged', 'applied') then null
                        else \(Instant.text("changed_at")) end,
                    operation, subject_kind || ' ' || subject_name, caller, state,
                    reason_code || coalesce(': ' || reason, ''), id::text
                from command
                where key = $1 || '/' || $2 and project = $1 and environment = $2
                    and ($3::text is null or (subject_kind = 'instance' and subject_name = $3))
                    and ($4::uuid is null or id = $4)
                order by created_at desc limit 100
            ) newest(began, ended, operation, subject, caller, state, reason, id) order by began
            """,
            placeAndCommand
        ).map { row in
            OperationDetail(
                began: try row.string(0),
                ended: try row.optionalString(1),
                operation: try row.string(2),
                subject: try row.string(3),
                caller: try row.string(4),
                state: try row.string(5),
                reason: try row.optionalString(6),
                command: try row.string(7)
            )
        }
    }
}
