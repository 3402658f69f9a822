import Postgres
import WorkerRuntime

/// What a request is performed with: who asks, by which message, when, and where its effects go.
struct RequestAct {
    let desk: RequestDesk
    let input: RequestInput
    let batch: Batch<RequestInput>
    let operation: String
    let entry: Entry<RequestInput>

    /// The database's clock: microseconds since 1970.
    var now: Int64 { batch.now }
    /// What is to be published when the transaction commits.
    var outbox: OutboxBuffer { batch.outbox }
    /// Who asks, as verified.
    var caller: Caller { input.caller }

    /// A new command of the request.
    ///
    /// - Parameter timeout: The seconds that it may take in all; `nil` for the fleet's.
    func command(timeout: Int? = nil) -> Command {
        desk.command(operation, input, now: now, timeout: timeout)
    }

    /// Writes a command as accepted and sent, and puts its message into the outbox.
    @discardableResult
    func accept(
        _ command: Command,
        sending message: OutboxRecord?,
        in transaction: borrowing PostgresTransaction
    ) throws -> Command {
        try desk.progress.accept(command, sending: message, now: now, outbox: outbox, in: transaction)
    }

    /// Accepts a command that is done with the writing, and ends it as succeeded.
    func succeedAtOnce(in transaction: borrowing PostgresTransaction) throws {
        try succeedAtOnce(command(), in: transaction)
    }

    /// The same for a command that says more, such as which environment it belongs to.
    func succeedAtOnce(_ command: Command, in transaction: borrowing PostgresTransaction) throws {
        try complete(accept(command, sending: nil, in: transaction), in: transaction)
    }

    /// Lets an accepted command succeed, whatever its agent is going to say of it.
    func complete(_ command: Command, _ reason: Reason? = nil, in transaction: borrowing PostgresTransaction) throws {
        var command = command
        for event in [CommandEvent.apply, .settle] {
            try desk.progress.take(event, &command, reason: reason, now: now, outbox: outbox, in: transaction)
        }
    }

    /// Answers with what would happen, and keeps that for repeats.
    func publish(_ plan: InstancePlan) {
        let answer = Answer(plan: plan, time: now)
        outbox.append(CommandResult.planned(of: input.identity, plan, now: now))
        entry.answer = answer.encoded
    }

    /// Ends an open command that the new one includes, and takes it back from the agent; its rows are locked.
    func end(
        _ open: Command,
        by event: CommandEvent,
        _ reason: Reason,
        in environment: EnvironmentRow,
        transaction: borrowing PostgresTransaction
    ) throws {
        var open = open
        guard !open.state.isTerminal else { return }
        try desk.progress.take(event, &open, reason: reason, now: now, outbox: outbox, in: transaction)
        let post = try post(to: environment.cluster, in: transaction)
        outbox.append(post.withdrawn(open, namespace: environment.namespace, now: now))
    }

    /// Writes messages to a cluster's agent, signed with the key that it holds.
    func post(to cluster: String, in transaction: borrowing PostgresTransaction) throws -> AgentPost {
        let row = try transaction.query(
            "select epoch, \(ClusterKeys.columns) from cluster where cluster = $1",
            [.text(cluster)]
        ).first
        guard let row else { throw Reason.unknown("cluster", cluster) }
        return AgentPost(
            fleetKey: desk.fleetKey,
            worker: RequestDesk.worker,
            cluster: cluster,
            epoch: try row.int64(0),
            keyID: try ClusterKeys(row, from: 1).signing(now: now)
        )
    }

    /// The project that the request acts in.
    ///
    /// - Throws: A reason where it does not exist.
    func requireProject(_ name: String, in transaction: borrowing PostgresTransaction) throws {
        let known = try transaction.query("select 1 from project where project = $1", [.text(name)])
        guard known.count == 1 else { throw Reason.unknown("project", name) }
    }

    /// The environment that the request acts in; its row is locked.
    ///
    /// - Throws: A reason where it does not exist.
    func environment(_ project: String, _ name: String, in transaction: borrowing PostgresTransaction) throws
        -> EnvironmentRow
    {
        try requireProject(project, in: transaction)
        let row = try transaction.query(
            "select \(EnvironmentRow.columns) from environment where project = $1 and environment = $2 and state <> 'deleted'",
            [.text(project), .text(name)]
        ).first
        guard let row else { throw Reason.unknown("environment", name) }
        return try EnvironmentRow(row)
    }

    /// The same, where something is to be deployed to it, or taken out of it.
    ///
    /// - Throws: A reason where it does not exist or its state does not allow that.
    func environment(
        _ project: String,
        _ name: String,
        for use: EnvironmentUse,
        in transaction: borrowing PostgresTransaction
    ) throws -> EnvironmentRow {
        let environment = try environment(project, name, in: transaction)
        try environment.require(use)
        return environment
    }
}

extension Reason {
    static func unknown(_ kind: String, _ name: String) -> Reason {
        Reason(
            code: "unknown_\(kind.replacing("-", with: "_"))",
            sentence: "The \(kind) '\(name.prefix(80))' does not exist; create it first.",
            field: kind
        )
    }

    static func exists(_ kind: String, _ name: String) -> Reason {
        Reason(code: "already_exists", sentence: "The \(kind) '\(name.prefix(80))' exists already.", field: kind)
    }
}
