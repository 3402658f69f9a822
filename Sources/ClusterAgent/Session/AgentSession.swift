import Domain

/// What an agent is to do, decided by its session.
public enum AgentOutput: Sendable, Hashable {
    /// Sign and send; the order counts.
    case send(AgentMessage)
    /// Begin in the cluster.
    case start(ClusterWork)
    /// The command at this place needs no other look once everything sent before has arrived.
    case done(CommandPlace)
    /// Another boot has taken over: stop, and do not come back as this boot.
    case stop(reason: String)
    /// Work that waits for a cluster that is away is not tried again.
    case giveUp(CommandMark)
    /// End work where it stands: another boot does it again.
    case abandon(CommandMark)
    /// Everything that this boot sees was told; ``AgentSession/complete(_:now:)`` once everything sent before has arrived.
    case told(AccountMark)
    /// Let the cluster end the log that a command asked for.
    case endLog(command: String)
    /// Fail as the simulated cluster was told to.
    case fail(AgentFault)
}

/// One boot of an agent, from its hello to its end: which command it follows, what it says and with which numbers.
///
/// A value without clock or I/O. It acts only when two things hold: the fleet has welcomed this boot, and the command
/// topic has been read to its end, so that of each subject only the highest generation is done that nobody has
/// withdrawn. Deadlines are the fleet's business: an agent's clock judges nothing.
public struct AgentSession: Sendable {
    /// The cluster that it speaks for.
    public let cluster: String
    /// The id of this start.
    public let boot: String
    /// The number that the fleet gave this boot; `nil` before it was welcomed.
    public internal(set) var epoch: Int64?
    /// Whether the fleet has told this boot to stop.
    public internal(set) var isSuperseded = false
    /// Whether the command topic was read to its end.
    public internal(set) var isCaughtUp = false

    let clusterUID: String
    var statusSequence: Int64 = 0
    var helloSequence: Int64 = 0
    var changeSequences: [String: Int64] = [:]
    var outputSequences: [String: Int64] = [:]
    var messageCount: Int64 = 0

    var heartbeat = Int64.max
    var heartbeatPeriod: Int64 = 10_000_000
    var snapshotPeriod: Int64 = 300_000_000
    var nextSnapshot = Int64.max
    var nextHello: Int64?
    var namespaces: Set<String> = []
    /// The namespaces whose snapshots are still to be sent, in order.
    var snapshots: [String] = []
    var account = Account()
    /// Whether what was said some time ago has not arrived: then nothing told is known to be all.
    public var isHeldUp = false

    var held: [CommandSubject: HeldCommand] = [:]
    var running: [CommandSubject: HeldCommand] = [:]
    var withdrawn: [CommandSubject: Withdrawal] = [:]
    /// Commands that were withdrawn or superseded before the welcome and that the cluster shows to be done.
    var untold: [HeldCommand] = []
    /// What was said to be done, by its subject.
    var successes: [CommandSubject: Success] = [:]
    /// Whether something that was said did not arrive.
    var hasLost = false
    /// How commands of this boot failed, to be said again when they come again.
    var failures: [String: WorkFailure] = [:]
    /// The logs that are being sent, by their commands.
    var logs: [String: LogStream] = [:]
    /// The logs that this boot has sent to their end, the oldest first.
    var endedLogs: [String] = []
    var outputs: [AgentOutput] = []
    private var outcomes: [CommandOutcome: Int] = [:]

    /// The version that a hello states.
    public static let agentVersion = "0.1.0"
    /// How long a hello waits for its answer before it is repeated: microseconds.
    static let helloPeriod: Int64 = 5_000_000

    /// Makes a session that has not said hello; ``tick(now:_:)`` says it.
    public init(cluster: String, boot: String, clusterUID: String) {
        self.cluster = cluster
        self.boot = boot
        self.clusterUID = clusterUID
        nextHello = 0
    }

    /// Whether commands may be acted on.
    public var isActive: Bool { epoch != nil && isCaughtUp && !isSuperseded }

    /// Takes a message of the command topic.
    ///
    /// - Parameter acts: Whether it is acted upon; not where more was read already, which may take it back.
    public mutating func take(
        _ command: AgentCommand,
        now: Int64,
        _ view: some Cluster,
        acts: Bool = true
    ) -> [AgentOutput] {
        guard !isSuperseded else { return [] }
        switch command.content {
        case .welcomed(let welcomed):
            if welcomed.boot == boot { welcome(welcomed, now: now, view) }
            outputs.append(.done(command.place))
        case .superseded(let superseded):
            outputs.append(.done(command.place))
            if superseded.boot == boot {
                isSuperseded = true
                // A pod goes on living, and the next boot's work must not be overtaken by what goes on here.
                outputs += running.values.map { .abandon($0.work.mark) }
                outputs.append(.stop(reason: superseded.reason))
            }
        case .work(let work): take(work, at: command.place, epoch: command.epoch, now: now, view)
        case .logListened(let listened):
            logs[listened.command]?.listen(seconds: listened.seconds, now: now)
            outputs.append(.done(command.place))
        case .withdrawn(let request): withdraw(request, at: command.place, now: now, view)
        case .snapshotRequested(let namespace):
            if epoch != nil { wantSnapshot(of: namespace) }
            outputs.append(.done(command.place))
        case .helloRequested:
            // An old request, read on the way to the end, was for another boot.
            if isActive { nextHello = min(nextHello ?? .max, now) }
            outputs.append(.done(command.place))
        }
        if acts { act(now: now, view) }
        return takeOutputs()
    }

    /// Notes that the command topic was read to its end.
    public mutating func catchUp(now: Int64, _ view: some Cluster) -> [AgentOutput] {
        isCaughtUp = true
        act(now: now, view)
        return takeOutputs()
    }

    /// Takes what happened in the cluster.
    public mutating func take(_ event: ClusterEvent, now: Int64, _ view: some Cluster) -> [AgentOutput] {
        guard !isSuperseded else { return [] }
        switch event {
        case .changed(let object): sendChange(of: object, now: now)
        case .gone(let object): sendGone(object, now: now)
        case .stage(let work, let stage): sendStage(stage, of: work, now: now)
        case .stageOutput(let work, let stage, let output): sendOutput(output, ofStage: stage, of: work, now: now)
        case .happened(let event): sendEvent(event, now: now)
        case .logged(let request, let lines): sendLines(lines, of: request, now: now, view)
        case .drifted(let mark, let objects): say(.drifted(mark, objects), now: now)
        case .waiting(let work): sayAcknowledged(work, now: now)
        case .finished(let work, let failure): finish(work, failure, now: now, view)
        case .agentFault(let fault): outputs.append(.fail(fault))
        }
        act(now: now, view)
        return takeOutputs()
    }

    /// Says hello, heartbeats and at most one namespace's snapshot when their time has come; call it often.
    public mutating func tick(now: Int64, _ view: some Cluster) -> [AgentOutput] {
        guard !isSuperseded else { return [] }
        if let due = nextHello, now >= due { sayHello(now: now) }
        guard epoch != nil else { return takeOutputs() }
        if now >= heartbeat {
            heartbeat = now + heartbeatPeriod
            say(.heartbeat(boot: boot, isComplete: account.isComplete && !isHeldUp), now: now)
        }
        endOverdueLogs(now: now, view)
        if now >= nextSnapshot { wantSnapshots(now: now) }
        if !snapshots.isEmpty { sendSnapshot(of: snapshots.removeFirst(), now: now, view) }
        if snapshots.isEmpty, let mark = account.end() { outputs.append(.told(mark)) }
        return takeOutputs()
    }

    /// Goes on after the agent was cut off: reads its topic to the end again before it acts, and sends everything it
    /// sees, because what happened meanwhile was not reported.
    public mutating func reconnect(now: Int64) {
        isCaughtUp = false
        guard epoch != nil else { return }
        heartbeat = now
        tellAll(now: now)
    }

    /// Says hello again because something it said did not arrive: the answer has the open commands sent again, and what
    /// was done lately is said again.
    public mutating func repeatHello(now: Int64) {
        account.void()
        noteLoss(now: now)
        nextHello = min(nextHello ?? .max, now)
    }

    private mutating func welcome(_ welcomed: Welcomed, now: Int64, _ view: some Cluster) {
        if epoch != welcomed.epoch {
            epoch = welcomed.epoch
            statusSequence = 0
            changeSequences = [:]
            outputSequences = [:]
        }
        nextHello = nil
        heartbeatPeriod = Int64(max(1, welcomed.heartbeatSeconds)) * 1_000_000
        snapshotPeriod = Int64(max(1, welcomed.snapshotSeconds)) * 1_000_000
        heartbeat = now
        namespaces.formUnion(welcomed.namespaces)
        namespaces.formUnion(view.namespaces)
        tellAll(now: now)
        sayAgain(open: Set(welcomed.open), now: now, view)
        dropEnded(open: Set(welcomed.open), now: now, view)
    }

    private mutating func sayHello(now: Int64) {
        nextHello = now + Self.helloPeriod
        helloSequence += 1
        let hello = AgentHello(boot: boot, clusterUID: clusterUID, agentVersion: Self.agentVersion)
        let statement = AgentStatement.hello(hello)
        send(
            topic: AgentMessage.status,
            key: cluster,
            type: statement.type,
            epoch: 0,
            sequence: helloSequence,
            instance: nil,
            data: statement.data,
            now: now
        )
    }

    /// Says something on `agent.status` under the next number.
    mutating func say(_ statement: AgentStatement, now: Int64) {
        guard let epoch else { return }
        statusSequence += 1
        send(
            topic: AgentMessage.status,
            key: cluster,
            type: statement.type,
            epoch: epoch,
            sequence: statusSequence,
            instance: nil,
            data: statement.data,
            now: now
        )
    }

    mutating func send(
        topic: String,
        key: String,
        type: String,
        epoch: Int64,
        sequence: Int64,
        instance: String?,
        data: [UInt8],
        now: Int64
    ) {
        messageCount += 1
        outputs.append(
            .send(
                AgentMessage(
                    topic: topic,
                    key: key,
                    type: type,
                    id: "\(boot).\(messageCount)",
                    epoch: epoch,
                    sequence: sequence,
                    instance: instance,
                    data: data,
                    time: now
                )
            )
        )
    }

    /// Counts a command that needs no other look.
    mutating func count(_ outcome: CommandOutcome) {
        outcomes[outcome, default: 0] += 1
    }

    /// How many commands ended how since this was last asked.
    public mutating func takeOutcomes() -> [CommandOutcome: Int] {
        defer { outcomes = [:] }
        return outcomes
    }

    mutating func takeOutputs() -> [AgentOutput] {
        defer { outputs = [] }
        return outputs
    }
}
