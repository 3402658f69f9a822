internal import CloudEvents
import Foundation
internal import JSON
import Postgres
import WorkerRuntime

/// Deploys and upgrades: reads what is known under locks, decides, writes the instance and its command.
struct InstanceDeployer {
    let act: RequestAct

    func deploy(
        environment: (project: String, name: String),
        instance name: String,
        application: String?,
        version: String,
        values: String?,
        timeout: Int?,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let context = try read(environment, name, application, version, in: transaction)
        let deployment = try InstanceDecision.deploy(
            context,
            environment: "\(environment.project)/\(environment.name)",
            instance: name,
            application: application,
            version: version,
            values: values
        )
        guard let place = context.environment, let release = context.version else { return }
        if let open = deployment.supersedes { try supersede(open, place, in: transaction) }
        var command = act.command(timeout: timeout)
        command.environmentID = place.id
        command.cluster = place.cluster
        command.generation = deployment.generation
        command.instanceID = try write(deployment, name, place, command, now: act.now, in: transaction)
        command.desired = try JSONEncoder.stable.encode(message(command, deployment, release, place)).map { $0 }
        let record = try act.post(to: place.cluster, in: transaction).releaseRequested(
            command,
            message(command, deployment, release, place),
            now: act.now
        )
        try act.accept(command, sending: record, in: transaction)
        if let instance = command.instanceID {
            try InstanceProgress(worker: RequestDesk.worker).publish(
                [instance],
                outbox: act.outbox,
                in: transaction
            )
        }
    }

    /// Ends an open command that the new one includes, and takes it back from the agent.
    private func supersede(
        _ id: UUID,
        _ place: EnvironmentRow,
        in transaction: borrowing PostgresTransaction
    ) throws {
        guard let open = try act.desk.progress.store.lock([id], in: transaction)[id] else { return }
        let reason = Reason(code: "superseded", sentence: "A newer deployment of the instance includes this one.")
        try act.end(open, by: .supersede, reason, in: place, transaction: transaction)
    }

    private func message(
        _ command: Command,
        _ deployment: Deployment,
        _ release: DeploymentContext.Version,
        _ place: EnvironmentRow
    ) -> ReleaseRequested {
        ReleaseRequested(
            command: command.id.uuidString.lowercased(),
            generation: deployment.generation,
            namespace: place.namespace,
            instance: command.subjectName,
            application: deployment.application,
            version: deployment.version,
            image: release.image,
            chart: release.chart,
            values: deployment.mergedValues,
            deadline: RFC3339.format(microseconds: command.deadline)
        )
    }

    private func read(
        _ environment: (project: String, name: String),
        _ instance: String,
        _ application: String?,
        _ version: String,
        in transaction: borrowing PostgresTransaction
    ) throws -> DeploymentContext {
        var context = DeploymentContext()
        context.environment = try transaction.query(
            """
            select \(EnvironmentRow.columns) from environment
            where project = $1 and environment = $2 and state <> 'deleted'
            for no key update
            """,
            [.text(environment.project), .text(environment.name)]
        ).first.map { try EnvironmentRow($0) }
        guard let place = context.environment else { return context }
        context.instance = try transaction.query(
            """
            select id, application, desired_version,
                case when state = 'failed' then coalesce(running_values, desired_values) else desired_values end,
                generation, open_command
            from instance
            where environment_id = $1 and instance = $2 for no key update
            """,
            [.int64(place.id), .text(instance)]
        ).first.map {
            .init(
                id: try $0.int64(0),
                application: try $0.string(1),
                desiredVersion: try $0.string(2),
                desiredValues: try $0.string(3),
                generation: try $0.int64(4),
                openCommand: try $0.optionalUUID(5)
            )
        }
        let wanted = application ?? context.instance?.application ?? ""
        guard
            let known = try transaction.query(
                "select artifact, chart_repository, chart_name from application where project = $1 and application = $2",
                [.text(environment.project), .text(wanted)]
            ).first
        else { return context }
        context.application = wanted
        context.version = try release(
            of: try known.string(0),
            version,
            chart: try known.optionalString(2),
            repository: try known.optionalString(1),
            in: transaction
        )
        return context
    }

    private func release(
        of artifact: String,
        _ version: String,
        chart: String?,
        repository: String?,
        in transaction: borrowing PostgresTransaction
    ) throws -> DeploymentContext.Version? {
        try transaction.query(
            """
            select image, chart_repository, chart_name, chart_version, "values" from version
            where artifact = $1 and version = $2
            """,
            [.text(artifact), .text(version)]
        ).first.map { row in
            let name = try row.optionalString(2) ?? chart
            let from = try row.optionalString(1) ?? repository
            let chartVersion = try row.optionalString(3)
            return .init(
                image: try row.optionalString(0),
                chart: name.map { ChartReference(repository: from, name: $0, version: chartVersion) },
                values: try row.optionalString(4)
            )
        }
    }

    private func write(
        _ deployment: Deployment,
        _ name: String,
        _ place: EnvironmentRow,
        _ command: Command,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> Int64 {
        try transaction.query(
            """
            insert into instance as i (environment_id, instance, application, cluster, namespace, desired_version,
                desired_values, generation, state, open_command, revision, changed_at, changed_by)
            values ($1, $2, $3, $4, $5, $6, $7, $8, 'operating', $9, 1, $10, $11)
            on conflict (environment_id, instance) do update
                set desired_version = excluded.desired_version, desired_values = excluded.desired_values,
                    generation = excluded.generation, state = 'operating', open_command = excluded.open_command,
                    revision = i.revision + 1, changed_at = excluded.changed_at,
                    changed_by = excluded.changed_by
            returning id
            """,
            [
                .int64(place.id), .text(name), .text(deployment.application), .text(place.cluster),
                .text(place.namespace), .text(deployment.version), .text(deployment.values),
                .int64(deployment.generation), .uuid(command.id), .timestamp(now),
                .text(RequestDesk.worker),
            ]
        ).only().int64(0)
    }
}

extension JSONEncoder {
    /// Writes the same bytes for the same value.
    static var stable: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
