package import Postgres

/// Reads what is judged of the database, in one snapshot of it.
package struct DatabaseReader {
    private let connection: PostgresConnection
    private let prefix: String

    package init(_ connection: PostgresConnection, prefix: String) {
        self.connection = connection
        self.prefix = prefix
    }

    package func read() throws -> DatabaseState {
        try connection.script("begin transaction isolation level repeatable read, read only")
        var state = DatabaseState()
        (state.commands, state.steps) = (try commands(), try steps())
        (state.claims, state.parked) = (try claims(), try parked())
        state.parkedMessages = try parkedMessages()
        state.outbox = try number("select (select count(*) from outbox) + (select count(*) from outbox_republish)")
        state.undeliverable = try number("select count(*) from outbox_failed")
        state.resources = try resources()
        (state.revisions, state.statuses) = try statuses()
        state.wantedSnapshots = try texts(
            "select cluster || '/' || namespace from resource_stream where snapshot_wanted"
        )
        state.gaps = try number("select coalesce(sum(gaps), 0)::bigint from resource_stream")
        state.values = try values()
        state.versions = Set(try texts("select artifact || ' ' || version from version"))
        state.rules = try rules()
        try connection.script("rollback")
        return state
    }

    private func number(_ sql: String) throws -> Int64 {
        try connection.query(sql).only().int64(0)
    }

    private func texts(_ sql: String) throws -> [String] {
        try connection.query(sql).map { try $0.string(0) }
    }

    private func commands() throws -> [StoredCommand] {
        try connection.query(
            """
            select id::text, request_source, request_id, state, revision,
                coalesce('instance ' || instance_id, 'object ' || object_id), generation, deadline < clock_timestamp(),
                subject_kind || ' ' || concat_ws('/', project, environment,
                    case when subject_kind not in ('project', 'environment') then subject_name end)
            from command
            """
        ).map { row in
            StoredCommand(
                id: try row.string(0),
                source: try row.string(1),
                request: try row.string(2),
                state: try row.string(3),
                revision: try row.int64(4),
                subject: try row.optionalString(5),
                generation: try row.int64(6),
                isPastDeadline: try row.bool(7),
                about: try row.string(8)
            )
        }
    }

    private func steps() throws -> [StoredStep] {
        try connection.query("select command::text, revision, state, late from command_step order by 1, 2").map { row in
            StoredStep(
                command: try row.string(0),
                revision: try row.int64(1),
                state: try row.string(2),
                isLate: try row.bool(3)
            )
        }
    }

    private func claims() throws -> [StoredClaim] {
        try connection.query(
            """
            select consumer_group, topic, partition, next_offset, consumed, applied, repeated, stale, rejected,
                dead_lettered, parked, released_applied, released_repeated, released_stale, released_rejected,
                released_dead_lettered, lost_to_retention, incarnation
            from partition_claim order by 1, 2, 3
            """
        ).map { row in
            StoredClaim(
                name: try name(row),
                nextOffset: try row.int64(3),
                consumed: try row.int64(4),
                outcomes: try outcomes(row, from: 5),
                parked: try row.int64(10),
                released: try outcomes(row, from: 11),
                lost: try row.int64(16),
                incarnation: try row.int32(17)
            )
        }
    }

    private func name(_ row: PostgresRow) throws -> PartitionName {
        let topic = try row.string(1)
        return PartitionName(
            group: try row.string(0),
            topic: topic.hasPrefix(prefix) ? String(topic.dropFirst(prefix.count)) : topic,
            partition: try row.int32(2)
        )
    }

    private func outcomes(_ row: PostgresRow, from column: Int) throws -> Outcomes {
        Outcomes(
            applied: try row.int64(column),
            repeated: try row.int64(column + 1),
            stale: try row.int64(column + 2),
            rejected: try row.int64(column + 3),
            deadLettered: try row.int64(column + 4)
        )
    }

    private func parked() throws -> [StoredParkedKey] {
        try connection.query(
            """
            select consumer_group, topic, partition, encode(key, 'escape'),
                case when isfinite(due) then extract(epoch from clock_timestamp() - due)::double precision end,
                reason_code <> '' and reason <> ''
            from parked_key
            """
        ).map { row in
            StoredParkedKey(
                name: try name(row),
                key: try row.string(3),
                overdue: row.isNull(4) ? nil : try row.double(4),
                hasReason: try row.bool(5)
            )
        }
    }

    private func parkedMessages() throws -> [PartitionName: Int64] {
        let rows = try connection.query(
            "select consumer_group, topic, partition, count(*) from parked_message group by 1, 2, 3"
        )
        var counts: [PartitionName: Int64] = [:]
        for row in rows { counts[try name(row)] = try row.int64(3) }
        return counts
    }

    private func resources() throws -> [StoredResource] {
        try connection.query(
            "select cluster, namespace, kind, name, uid, epoch, sequence, gone, object::text from resource"
        ).map { row in
            StoredResource(
                cluster: try row.string(0),
                namespace: try row.string(1),
                kind: try row.string(2),
                name: try row.string(3),
                uid: try row.string(4),
                position: StreamPosition(epoch: try row.int64(5), sequence: try row.int64(6)),
                isGone: try row.bool(7),
                object: try row.optionalString(8)
            )
        }
    }

    private func values() throws -> [String: String] {
        let rows = try connection.query(
            """
            select 'project ' || project, name from project
            union all select 'cluster ' || cluster, name from cluster where deleted_at is null
            union all select 'auto-deploy ' || e.project || '/' || e.environment || '/' || r.instance,
                case when r.enabled then 'enabled' else 'disabled' end
            from auto_deploy_rule r join environment e on e.id = r.environment_id where e.state <> 'deleted'
            """
        )
        var values: [String: String] = [:]
        for row in rows { values[try row.string(0)] = try row.string(1) }
        return values
    }

    private func rules() throws -> [String: String] {
        let rows = try connection.query(
            """
            select 'auto-deploy ' || e.project || '/' || e.environment || '/' || r.instance, a.artifact
            from auto_deploy_rule r
            join environment e on e.id = r.environment_id
            join application a on a.project = e.project and a.application = r.application
            where e.state <> 'deleted'
            """
        )
        var rules: [String: String] = [:]
        for row in rows { rules[try row.string(0)] = try row.string(1) }
        return rules
    }

    private func statuses() throws -> ([SubjectName: Int64], [SubjectName: StoredStatus]) {
        let rows = try connection.query(
            """
            select 'environment.status', project || '/' || environment, revision, state = 'deleted', state, null::text
            from environment
            union all select 'instance.status', e.project || '/' || e.environment || '/' || i.instance, i.revision,
                i.state = 'deleted', i.state, i.health
            from instance i join environment e on e.id = i.environment_id
            union all select 'object.status', e.project || '/' || e.environment || '/' || o.kind || '/' || o.name, o.revision,
                o.state = 'deleted', o.state, null
            from environment_object o join environment e on e.id = o.environment_id
            union all select 'resource.status', cluster || '/' || namespace || '/' || kind || '/' || name, revision,
                gone, null, health
            from resource where revision > 0
            """
        )
        var revisions: [SubjectName: Int64] = [:]
        var statuses: [SubjectName: StoredStatus] = [:]
        for row in rows {
            let subject = SubjectName(topic: try row.string(0), key: try row.string(1))
            revisions[subject] = try row.int64(2)
            statuses[subject] = StoredStatus(
                isGone: try row.bool(3),
                state: try row.optionalString(4),
                health: try row.optionalString(5)
            )
        }
        return (revisions, statuses)
    }
}
