import Postgres
import WorkerRuntime

/// `slipway.environment.create.v1`: a place to deploy to, one namespace of a cluster.
struct CreateEnvironment: EnvironmentRequest {
    static let name = "environment.create"

    let project: String
    let environment: String
    let cluster: String
    let namespace: String?
    let displayName: String?
    let description: String?
    let group: String?
    let users: [String]?
    let openToMembers: Bool?

    /// A hello must know the command, or the command be sent after the welcome.
    var rows: RequestRows { RequestRows(projects: [project], clusters: [cluster]) }

    private var namespaceName: String { namespace ?? "\(project)-\(environment)" }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        try FieldRules.name(cluster, "cluster")
        try FieldRules.namespace(namespaceName)
        try FieldRules.environmentTexts(displayName: displayName, description: description)
        if let group, !group.isEmpty { try FieldRules.group(group, "group") }
        if let users { try FieldRules.users(users, "users") }
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        try act.requireUsable(cluster: cluster, by: project, in: transaction)
        let groupID = try EnvironmentGroups.find(group ?? "", of: project, in: transaction)
        try requireFree(in: transaction)
        try EnvironmentNamespace.requireFree(namespaceName, in: cluster, for: place.key, in: transaction)
        try EnvironmentMembers.require(users ?? [], project, in: transaction)
        let made = try makeRow(groupID, now: act.now, in: transaction)
        try EnvironmentMembers.replace(with: users ?? [], of: made.id, now: act.now, in: transaction)
        let command = try act.command(
            on: made.id,
            cluster: cluster,
            namespace: namespaceName,
            generation: made.revision,
            in: transaction
        )
        let post = try act.post(to: cluster, in: transaction)
        try act.accept(
            command,
            sending: post.namespaceRequested(command, namespace: namespaceName, now: act.now),
            in: transaction
        )
        try act.publish([made.id], in: transaction)
    }

    /// Refuses a name that is taken, unless by an environment that could not be made or is gone.
    private func requireFree(in transaction: borrowing PostgresTransaction) throws {
        let row = try transaction.query(
            "select \(EnvironmentRow.columns) from environment where project = $1 and environment = $2",
            [.text(project), .text(environment)]
        ).first
        guard let row else { return }
        let present = try EnvironmentRow(row)
        guard present.state != .deleting else {
            _ = try present.state(after: .create)
            return
        }
        guard case .moves = present.state.step(.create) else { throw Reason.exists("environment", environment) }
    }

    /// Makes the row, or takes the one of an environment that could not be made or is gone.
    ///
    /// The revision is the generation of the command: an agent drops what is not newer than what was taken back, or than
    /// what it remembers of another environment that had the namespace before.
    private func makeRow(_ group: Int64?, now: Int64, in transaction: borrowing PostgresTransaction) throws
        -> (id: Int64, revision: Int64)
    {
        let row = try transaction.query(
            """
            insert into environment as e (project, environment, cluster, namespace, state, created_at, changed_at,
                changed_by, display_name, description, group_id, open_to_members, position, connected, was_made,
                revision)
            values ($1, $2, $3, $4, 'creating', $5, $5, $6, nullif($7, ''), nullif($8, ''), $9, $10,
                \(EnvironmentGroups.last("$9", of: "$1")),
                (select state = 'connected' from cluster where cluster = $3), false,
                greatest(first_number(), \(EnvironmentNamespace.nextRevision)))
            on conflict (project, environment) do update
                set cluster = excluded.cluster, namespace = excluded.namespace, state = 'creating', reason_code = null,
                    reason = null, revision = greatest(e.revision + 1, excluded.revision), changed_at = excluded.changed_at,
                    changed_by = excluded.changed_by, display_name = excluded.display_name,
                    description = excluded.description, group_id = excluded.group_id,
                    open_to_members = excluded.open_to_members, position = excluded.position,
                    connected = excluded.connected, repair_drift = false,
                    was_made = case e.state when 'deleted' then false else e.was_made end
                where e.state in ('failed', 'deleted')
            returning id, revision
            """,
            [
                .text(project), .text(environment), .text(cluster), .text(namespaceName), .timestamp(now),
                .text(RequestDesk.worker), .optionalText(displayName), .optionalText(description),
                .optionalInt64(group), .bool(openToMembers ?? false),
            ]
        ).first
        guard let row else { throw Reason.exists("environment", environment) }
        return (try row.int64(0), try row.int64(1))
    }
}

/// The namespaces of a cluster: each belongs to one environment.
enum EnvironmentNamespace {
    /// SQL for a revision behind those of every environment: one that had the namespace may be elsewhere by now, and the
    /// generations of what is told to an agent of a namespace do not restart.
    static let nextRevision = "coalesce((select max(o.revision) + 1 from environment o), 0)"

    /// SQL for the environments that have the namespace `$2` of the cluster `$1`, or had it.
    ///
    /// An agent remembers what it was told of a name in a namespace, whosever it was. One that is elsewhere by now is known
    /// by its commands. It is an array, so that what those environments hold is reached by keys.
    static let holders = """
        array(
            select id from environment where cluster = $1 and namespace = $2
            union
            select environment_id from command
            where subject_kind = 'environment' and cluster = $1 and desired ->> 'namespace' = $2)
        """

    /// Refuses a namespace that another environment has, or that still holds what one has left; the cluster's row is
    /// locked.
    ///
    /// In a cluster that never had an agent nothing can have been left.
    static func requireFree(
        _ namespace: String,
        in cluster: String,
        for key: String,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let owner = try transaction.query(
            """
            select 1 from environment
            where cluster = $1 and namespace = $2 and state <> 'deleted' and project || '/' || environment <> $3
            """,
            [.text(cluster), .text(namespace), .text(key)]
        )
        guard owner.isEmpty else {
            throw Reason(
                code: "already_exists",
                sentence: "The namespace '\(namespace)' of the cluster '\(cluster)' belongs to another environment; "
                    + "choose another 'namespace'.",
                field: "namespace"
            )
        }
        let removals = try CommandStore(worker: RequestDesk.worker).forcedDeletions(ofCluster: cluster, in: transaction)
        if removals.contains(where: { $0.namespace == namespace }), try hadAgent(cluster, in: transaction) {
            throw Reason(
                code: "namespace_not_removed",
                sentence: "The namespace '\(namespace)' of the cluster '\(cluster)' still holds what a deleted "
                    + "environment left there, until the cluster's agent is back and has removed it; wait for that, "
                    + "or choose another 'namespace'.",
                field: "namespace"
            )
        }
        try requireNotLeft(namespace, in: cluster, for: key, transaction: transaction)
    }

    /// Refuses a namespace that an environment of another project went away from, as long as nobody has removed it.
    ///
    /// What that one left there, such as claims, is not to be had by naming it.
    /// Generations rise from one environment of a namespace to the next; what a cluster registered anew had before does
    /// not count.
    private static func requireNotLeft(
        _ namespace: String,
        in cluster: String,
        for key: String,
        transaction: borrowing PostgresTransaction
    ) throws {
        let left = try transaction.query(
            """
            select 1 from command c
            where c.subject_kind = 'environment' and c.cluster = $1 and c.desired ->> 'namespace' = $2
                and c.operation in ('\(CreateEnvironment.name)', '\(ConnectEnvironment.name)')
                and c.project <> split_part($3, '/', 1) and (c.state = 'succeeded' or \(CommandStore.wasDoneLate("c")))
                and exists (select from cluster k where k.cluster = c.cluster and k.created_at <= c.created_at)
                and not exists (
                    select from command d
                    where d.subject_kind = 'environment' and d.cluster = $1 and d.desired ->> 'namespace' = $2
                        and d.operation = '\(DeleteEnvironment.name)' and d.generation > c.generation
                        and (d.state = 'succeeded' or d.created_at < ledger_begins() or \(CommandStore.wasDoneLate("d"))))
            limit 1
            """,
            [.text(cluster), .text(namespace), .text(key)]
        )
        guard left.isEmpty else {
            throw Reason(
                code: "namespace_not_removed",
                sentence: "The namespace '\(namespace)' of the cluster '\(cluster)' still holds what an environment of "
                    + "another project left there when it went elsewhere; choose another 'namespace'.",
                field: "namespace"
            )
        }
    }

    /// Refuses to leave a namespace where the agent still has to remove what was deleted with `force`.
    ///
    /// The agent is told of that as long as the environment has the namespace, which keeps others out of it, too.
    static func requireNothingToRemove(
        in place: EnvironmentRow,
        transaction: borrowing PostgresTransaction
    ) throws {
        let store = CommandStore(worker: RequestDesk.worker)
        let removals = try store.forcedDeletions(ofCluster: place.cluster, in: transaction)
            .filter { $0.environmentID == place.id && $0.instanceID != nil }
            .map { "\($0.subjectKind) \($0.subjectName)" }
        guard removals.isEmpty else {
            throw Reason(
                code: "namespace_not_removed",
                sentence: "The cluster '\(place.cluster)' still holds what was deleted with 'force' in the environment "
                    + "'\(place.key)': \(removals.listed()); wait until the cluster's agent is back and has removed "
                    + "it, or delete the environment with 'force': true and create it in the other cluster.",
                field: "environment"
            )
        }
    }

    private static func hadAgent(
        _ cluster: String,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Bool {
        let row = try transaction.query("select boot is not null from cluster where cluster = $1", [.text(cluster)])
        return try row.only().bool(0)
    }
}
