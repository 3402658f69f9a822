import Foundation
public import Logging
public import Postgres
public import Sealing
public import WorkerRuntime

/// Follows agents: what `agent-worker` does with `agent.status`.
///
/// One partition holds all messages of a cluster, so they come in the agent's order.
public final class AgentStatusHandler: Handler {
    static let worker = "agent-worker"
    private static let takenOver = "Another agent of this cluster has taken over."
    private let decoder: AgentStatusDecoder
    private let fleetKey: FleetKey
    private let logger: Logger
    private let reports: CommandReports

    /// Makes a handler.
    ///
    /// - Parameter keyRing: Decrypts what open commands on secrets and certificates send again.
    public init(fleetKey: FleetKey, keyRing: KeyRing? = nil, logger: Logger) {
        decoder = AgentStatusDecoder(signatures: AgentSignatures(fleetKey))
        self.fleetKey = fleetKey
        self.logger = logger
        reports = CommandReports(fleetKey: fleetKey, keyRing: keyRing, logger: logger)
    }

    /// Checks the signature and reads the message.
    public func decode(_ message: KafkaMessageView) throws(Refusal) -> AgentStatusInput {
        try decoder.decode(message)
    }

    /// Agents number what they say: no inbox is needed.
    public func inboxKey(of input: AgentStatusInput) -> InboxKey? { nil }

    /// Locks the clusters of the batch, then the environments and instances of the commands spoken of, each in one
    /// order; then follows each message in its turn.
    public func handle(_ batch: Batch<AgentStatusInput>, in transaction: borrowing PostgresTransaction) throws {
        var clusters = try lockClusters(of: batch, in: transaction)
        try reports.lock(batch.entries.compactMap(\.input.body.command), in: transaction)
        for entry in batch.entries {
            guard var cluster = clusters[entry.input.cluster] else {
                entry.outcome = .deadLettered(.unknown("cluster", entry.input.cluster))
                continue
            }
            if let reason = cluster.keys.refusal(of: entry.input.keyID, cluster: cluster.name, now: batch.now) {
                entry.outcome = .deadLettered(reason)
                continue
            }
            entry.outcome = try follow(entry, &cluster, batch, in: transaction)
            clusters[entry.input.cluster] = cluster
        }
        try write(clusters, now: batch.now, in: transaction)
    }

    private func follow(
        _ entry: Entry<AgentStatusInput>,
        _ cluster: inout ClusterRow,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        let input = entry.input
        if case .hello(let hello) = input.body {
            return try greet(hello, signedWith: input.keyID, &cluster, entry.message, batch, in: transaction)
        }
        // Thrown as the fault of one message, which then waits with its cluster's; nothing of it has counted yet.
        if case .newer(let reason) = input.body, cluster.agent.mayCount(epoch: input.epoch, sequence: input.sequence) {
            throw reason
        }
        let post = post(cluster, keyID: input.keyID)
        switch cluster.agent.number(epoch: input.epoch, sequence: input.sequence) {
        case .repeated:
            return .repeated
        case .superseded:
            if case .heartbeat(let beat) = input.body {
                try answer(beat.boot, of: &cluster, post, batch, in: transaction)
            }
            return .stale
        case .ahead:
            askForHello(of: &cluster, post, batch)
            return .stale
        case .current(let missing):
            if missing > 0 {
                cluster.noteGap(missing)
                logger.warning(
                    "messages of an agent are missing",
                    metadata: ["cluster": "\(input.cluster)", "missing": "\(missing)"]
                )
            }
            cluster.agent.sequence = input.sequence
            let heard = cluster.note(entry.message, now: batch.now)
            if case .heartbeat(let beat) = input.body {
                cluster.account.take(isComplete: beat.complete ?? true, at: heard, now: batch.now)
                cluster.noteClock(input.time, now: batch.now)
            }
            return try reports.take(input.body, from: input.cluster, post: post, batch, in: transaction)
        }
    }

    /// Tells a boot that was superseded to stop.
    ///
    /// Any other with an old epoch was welcomed before the database was recovered and does not know its new epoch yet:
    /// it is asked for its hello.
    private func answer(
        _ boot: String,
        of cluster: inout ClusterRow,
        _ post: AgentPost,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let known = try transaction.query(
            "select 1 from agent_boot where cluster = $1 and boot = $2 and superseded",
            [.text(cluster.name), .optionalUUID(UUID(uuidString: boot))]
        )
        guard known.count == 1 else { return askForHello(of: &cluster, post, batch) }
        batch.outbox.append(post.superseded(boot, reason: Self.takenOver, now: batch.now))
    }

    private func askForHello(of cluster: inout ClusterRow, _ post: AgentPost, _ batch: Batch<AgentStatusInput>) {
        guard !cluster.isHelloAsked else { return }
        cluster.isHelloAsked = true
        batch.outbox.append(post.helloRequested(now: batch.now))
    }

    private func greet(
        _ hello: AgentHello,
        signedWith keyID: Int32,
        _ cluster: inout ClusterRow,
        _ message: KafkaMessageView,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws -> Outcome {
        guard let boot = UUID(uuidString: hello.boot) else {
            return .deadLettered(Reason(code: "invalid_field", sentence: "'boot' should be a UUID.", field: "boot"))
        }
        let known = try transaction.query(
            "select superseded from agent_boot where cluster = $1 and boot = $2",
            [.text(cluster.name), .uuid(boot)]
        ).first
        let isSuperseded = try known?.bool(0) ?? false
        switch cluster.agent.hello(
            boot: boot.uuidString.lowercased(),
            clusterUID: hello.clusterUID,
            isSuperseded: isSuperseded
        ) {
        case .refuse(let why, let isConflict):
            if isConflict { cluster.noteRefusal(message, now: batch.now) }
            logger.warning("an agent's hello is refused: \(why)", metadata: ["cluster": "\(cluster.name)"])
            batch.outbox.append(post(cluster, keyID: keyID).superseded(hello.boot, reason: why, now: batch.now))
            return .rejected(Reason(code: "hello_refused", sentence: why))
        case .welcome(let agent, let isNewBoot):
            if isNewBoot { stopFormer(of: cluster, epoch: agent.epoch, batch) }
            cluster.agent = agent
            cluster.keys.agent = keyID
            cluster.account.begin(at: cluster.note(message, now: batch.now))
            if isNewBoot { try remember(boot, cluster, now: batch.now, in: transaction) }
            try DriftReports().forget(cluster: cluster.name, batch, in: transaction)
            try welcome(hello.boot, cluster, keyID: keyID, batch, in: transaction)
            return .applied
        }
    }

    /// Tells the present boot to stop, with the key that it holds, before the next one is welcomed and acts.
    private func stopFormer(of cluster: ClusterRow, epoch: Int64, _ batch: Batch<AgentStatusInput>) {
        guard let boot = cluster.agent.boot else { return }
        var former = cluster
        former.agent.epoch = epoch
        let post = post(former, keyID: cluster.keys.signing(now: batch.now))
        batch.outbox.append(post.superseded(boot, reason: Self.takenOver, now: batch.now))
    }

    /// Notes a boot that takes over, and forgets those that others took over from more than 30 days ago.
    ///
    /// A boot that was superseded is told to stop whenever it speaks; one that is forgotten would be welcomed as a new one.
    /// So it is remembered for longer than the topic keeps its messages, and than a process that was held could matter to
    /// anybody.
    private func remember(
        _ boot: UUID,
        _ cluster: ClusterRow,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        try transaction.submit(
            "update agent_boot set superseded = true where cluster = $1 and boot <> $2 and not superseded",
            [.text(cluster.name), .uuid(boot)]
        )
        try transaction.submit(
            """
            insert into agent_boot (cluster, boot, epoch, first_seen) values ($1, $2, $3, $4) on conflict do nothing
            """,
            [.text(cluster.name), .uuid(boot), .int64(cluster.agent.epoch), .timestamp(now)]
        )
        try transaction.submit(
            """
            delete from agent_boot where cluster = $1 and superseded and epoch < (
                select max(n.epoch) from agent_boot n where n.cluster = $1 and n.first_seen < $2 - interval '30 days')
            """,
            [.text(cluster.name), .timestamp(now)]
        )
        logger.info("an agent connected", metadata: ["cluster": "\(cluster.name)", "epoch": "\(cluster.agent.epoch)"])
    }

    /// Answers a hello, and sends the open commands again: a lost command topic loses nothing.
    ///
    /// So are deletions that counted at once because the agent was away: they have ended and are still to be done.
    private func welcome(
        _ boot: String,
        _ cluster: ClusterRow,
        keyID: Int32,
        _ batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let namespaces = try transaction.query(
            "select namespace from environment where cluster = $1 and state <> 'deleted' order by namespace",
            [.text(cluster.name)]
        ).map { try $0.string(0) }
        let store = reports.progress.store
        let open = try store.open(ofCluster: cluster.name, in: transaction)
        let wanted = try open + store.forcedDeletions(ofCluster: cluster.name, in: transaction)
        let post = post(cluster, keyID: keyID)
        batch.outbox.append(
            post.welcomed(
                Welcomed(
                    boot: boot,
                    epoch: cluster.agent.epoch,
                    namespaces: namespaces,
                    open: wanted.map { $0.id.uuidString.lowercased() },
                    snapshotSeconds: 120,
                    heartbeatSeconds: 5
                ),
                now: batch.now
            )
        )
        for command in wanted {
            // One that cannot be written must not keep the agent from its other commands.
            try reports.writable(command, post: post, now: batch.now, in: transaction).map(batch.outbox.append)
        }
    }

    /// Messages to an agent, signed with the key that it has shown to hold.
    private func post(_ cluster: ClusterRow, keyID: Int32) -> AgentPost {
        AgentPost(
            fleetKey: fleetKey,
            worker: Self.worker,
            cluster: cluster.name,
            epoch: cluster.agent.epoch,
            keyID: keyID
        )
    }
}
