import Foundation
import Postgres
import WorkerRuntime

/// Answers requests, and does those that no agent has a part in.
struct RequestDesk {
    static let worker = "deployment-worker"
    let fleetKey: FleetKey
    let timers: CommandTimers
    let progress = CommandProgress(worker: RequestDesk.worker)

    /// Publishes a rejection and keeps it for repeats.
    func reject(_ entry: Entry<RequestInput>, _ batch: Batch<RequestInput>, _ reason: Reason) -> Outcome {
        batch.outbox.append(CommandResult.rejection(of: entry.input.identity, reason, now: batch.now))
        // The first one that had this id stays: a reused id must not replace its answer.
        if entry.admission == .first { entry.answer = Answer(reason: reason, time: batch.now).encoded }
        return .rejected(reason)
    }

    /// Answers a repeat with the newest result of its command, or with the same rejection.
    func answerAgain(
        _ input: RequestInput,
        stored: [UInt8]?,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        if let stored, let answer = Answer(stored) {
            batch.outbox.append(CommandResult.rejection(of: input.identity, answer.reason, now: answer.time))
            return
        }
        let id = commandID(input)
        guard let command = try progress.store.lock([id], in: transaction)[id] else { return }
        let last = try transaction.query(
            """
            select revision, state, reason_code, reason, at, worker from command_step
            where command = $1 and not late order by revision desc limit 1
            """,
            [.uuid(id)]
        ).first
        guard let last, let state = CommandState(rawValue: try last.string(1)) else { return }
        let reason = try last.optionalString(2).map { code in
            Reason(code: code, sentence: try last.optionalString(3) ?? "")
        }
        let step = LedgerStep(revision: try last.int64(0), state: state, isLate: false, reason: reason)
        batch.outbox.append(
            CommandResult.record(of: command, step, worker: try last.string(5), now: try last.timestamp(4))
        )
    }

    /// A command's id is its request's.
    func commandID(_ input: RequestInput) -> UUID {
        InboxKey(
            caller: input.caller.name,
            source: input.identity.source,
            id: input.identity.id,
            digest: input.digest
        ).requestID
    }

    /// A new command of a request.
    func command(_ operation: String, _ input: RequestInput, now: Int64, timeout: Int? = nil) -> Command {
        var timers = timers
        if let timeout {
            timers.total = timeout
            timers.healthy = min(max(timers.healthy, timeout), timeout)
        }
        let parts = input.identity.key.split(separator: "/", maxSplits: 1).map(String.init)
        return Command(
            id: commandID(input),
            operation: operation,
            key: input.identity.key,
            subjectKind: input.identity.subjectKind,
            subjectName: input.identity.subjectName,
            project: parts.first,
            environment: parts.count > 1 ? parts[1] : nil,
            caller: input.caller.onBehalfOf.map { "\($0) (rule)" } ?? input.caller.name,
            requestSource: input.identity.source,
            requestID: input.identity.id,
            requestType: input.identity.type,
            createdAt: now,
            deadline: now + Int64(timers.total) * 1_000_000,
            timers: timers,
            traceparent: input.identity.traceparent
        )
    }

    /// Accepts a command that is done with the writing, and ends it as succeeded.
    func succeedAtOnce(
        _ operation: String,
        _ input: RequestInput,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        var command = try progress.accept(
            command(operation, input, now: batch.now),
            sending: nil,
            now: batch.now,
            outbox: batch.outbox,
            in: transaction
        )
        for event in [CommandEvent.apply, .settle] {
            try progress.take(event, &command, now: batch.now, outbox: batch.outbox, in: transaction)
        }
    }

    func createProject(
        _ body: CreateProject,
        _ input: RequestInput,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let made = try transaction.query(
            "insert into project (project, name, created_at) values ($1, $2, $3) on conflict do nothing",
            [.text(body.project), .text(body.name ?? body.project), .timestamp(batch.now)]
        )
        guard made.affected == 1 else { throw Reason.exists("project", body.project) }
        try succeedAtOnce("project.create", input, batch, in: transaction)
    }

    func registerCluster(
        _ body: RegisterCluster,
        _ input: RequestInput,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let made = try transaction.query(
            "insert into cluster (cluster, name, created_at) values ($1, $2, $3) on conflict do nothing",
            [.text(body.cluster), .text(body.name ?? body.cluster), .timestamp(batch.now)]
        )
        guard made.affected == 1 else { throw Reason.exists("cluster", body.cluster) }
        try succeedAtOnce("cluster.register", input, batch, in: transaction)
    }

    func createApplication(
        _ body: CreateApplication,
        _ input: RequestInput,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try requireProject(body.project, in: transaction)
        let made = try transaction.query(
            """
            insert into application (project, application, artifact, chart_repository, chart_name, created_at)
            values ($1, $2, $3, $4, $5, $6) on conflict do nothing
            """,
            [
                .text(body.project), .text(body.application), .text(body.artifact ?? body.application),
                .optionalText(body.chart?.repository), .optionalText(body.chart?.name), .timestamp(batch.now),
            ]
        )
        guard made.affected == 1 else { throw Reason.exists("application", body.application) }
        try succeedAtOnce("application.create", input, batch, in: transaction)
    }

    func createAutoDeploy(
        _ body: CreateAutoDeploy,
        _ input: RequestInput,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let environment = try environment(body.project, body.environment, in: transaction)
        let known = try transaction.query(
            "select 1 from application where project = $1 and application = $2",
            [.text(body.project), .text(body.application)]
        )
        guard known.count == 1 else { throw Reason.unknown("application", body.application) }
        let made = try transaction.query(
            """
            insert into auto_deploy_rule
                (environment_id, application, instance, versions, "values", creator, created_at, branches)
            values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (environment_id, instance) do nothing
            """,
            [
                .int64(environment), .text(body.application), .text(body.instance), .text(body.versions ?? "*"),
                .optionalText(body.values), .text(input.caller.name), .timestamp(batch.now),
                .array(.texts(body.branches ?? [])),
            ]
        )
        guard made.affected == 1 else { throw Reason.exists("auto-deploy rule for the instance", body.instance) }
        try succeedAtOnce("autodeploy.create", input, batch, in: transaction)
    }

    func createEnvironment(
        _ body: CreateEnvironment,
        _ input: RequestInput,
        _ batch: Batch<RequestInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try requireProject(body.project, in: transaction)
        let cluster = try transaction.query(
            "select epoch, \(ClusterKeys.columns) from cluster where cluster = $1 for no key update",
            [.text(body.cluster)]
        ).first
        guard let cluster else { throw Reason.unknown("cluster", body.cluster) }
        let namespace = body.namespace ?? "\(body.project)-\(body.environment)"
        guard let made = try makeEnvironment(body, namespace: namespace, now: batch.now, in: transaction) else {
            throw Reason(
                code: "already_exists",
                sentence: "The environment '\(body.environment)' exists in the project already, "
                    + "or its namespace '\(namespace)' is taken in the cluster.",
                field: "environment"
            )
        }
        var command = command("environment.create", input, now: batch.now)
        command.environmentID = made.id
        command.generation = made.revision
        command.cluster = body.cluster
        let post = AgentPost(
            fleetKey: fleetKey,
            worker: Self.worker,
            cluster: body.cluster,
            epoch: try cluster.int64(0),
            keyID: try ClusterKeys(cluster, from: 1).signing(now: batch.now)
        )
        let message = post.namespaceRequested(command, namespace: namespace, now: batch.now)
        _ = try progress.accept(command, sending: message, now: batch.now, outbox: batch.outbox, in: transaction)
        try EnvironmentProgress(worker: Self.worker).publish(
            made.id,
            outbox: batch.outbox,
            in: transaction
        )
    }

    /// Makes the row, or takes the one of an environment that could not be made; the cluster's row is locked.
    ///
    /// The revision is the generation of the command: an agent drops what is not newer than what was taken back.
    private func makeEnvironment(
        _ body: CreateEnvironment,
        namespace: String,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> (id: Int64, revision: Int64)? {
        try transaction.query(
            """
            insert into environment as e (project, environment, cluster, namespace, state, created_at, changed_at,
                changed_by)
            select $1, $2, $3, $4, 'creating', $5, $5, $6
            where not exists (
                select from environment
                where cluster = $3 and namespace = $4 and (project, environment) <> ($1, $2))
            on conflict (project, environment) do update
                set cluster = excluded.cluster, namespace = excluded.namespace, state = 'creating', reason_code = null,
                    reason = null, revision = e.revision + 1, changed_at = excluded.changed_at,
                    changed_by = excluded.changed_by
                where e.state = 'failed'
            returning id, revision
            """,
            [
                .text(body.project), .text(body.environment), .text(body.cluster), .text(namespace), .timestamp(now),
                .text(Self.worker),
            ]
        ).first.map { (try $0.int64(0), try $0.int64(1)) }
    }

    private func requireProject(_ name: String, in transaction: borrowing PostgresTransaction) throws {
        let known = try transaction.query("select 1 from project where project = $1", [.text(name)])
        guard known.count == 1 else { throw Reason.unknown("project", name) }
    }

    private func environment(_ project: String, _ name: String, in transaction: borrowing PostgresTransaction) throws
        -> Int64
    {
        try requireProject(project, in: transaction)
        let row = try transaction.query(
            "select id from environment where project = $1 and environment = $2",
            [.text(project), .text(name)]
        ).first
        guard let row else { throw Reason.unknown("environment", name) }
        return try row.int64(0)
    }
}

/// A rejection as the inbox keeps it, with its time, so that a repeat of it is the same message.
struct Answer: Codable {
    let reason: Reason
    let time: Int64

    var encoded: [UInt8]? { (try? JSONEncoder().encode(self)).map(Array.init) }
}

extension Answer {
    init?(_ bytes: [UInt8]) {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes)) else { return nil }
        self = answer
    }
}

extension Reason {
    static func unknown(_ kind: String, _ name: String) -> Reason {
        Reason(
            code: "unknown_\(kind)",
            sentence: "The \(kind) '\(name.prefix(80))' does not exist; create it first.",
            field: kind
        )
    }

    static func exists(_ kind: String, _ name: String) -> Reason {
        Reason(code: "already_exists", sentence: "The \(kind) '\(name.prefix(80))' exists already.", field: kind)
    }
}
