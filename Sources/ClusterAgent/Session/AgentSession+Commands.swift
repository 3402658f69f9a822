import Domain

/// A command that is not ended, with every place it was read at.
struct HeldCommand: Sendable, Hashable {
    var work: ClusterWork
    var places: [CommandPlace]
    /// It was read before the welcome, which lists what is still wanted of such.
    var isBacklog: Bool
    /// The epoch whose welcome it waits for: after a recovery the fleet begins a new one.
    var epoch: Int64
    /// Whether it was said, while it waits for its own former number, that it is taken.
    var isAcknowledged = false
}

extension AgentSession {
    /// Keeps a command until it may be acted on: of one subject, only the one of the highest generation.
    mutating func take(
        _ work: ClusterWork,
        at place: CommandPlace,
        epoch asked: Int64?,
        now: Int64,
        _ view: some Cluster
    ) {
        let subject = work.subject
        if let again = untold.firstIndex(where: { $0.work == work }) { return untold[again].places.append(place) }
        // A repair is of what was done, which a later command that was taken back does not end: the mark decides.
        if !work.isRepair, let generation = withdrawn[subject]?.generation, work.mark.generation <= generation {
            count(.withdrawn)
            return outputs.append(.done(place))
        }
        if running[subject]?.work.mark == work.mark {
            running[subject]?.places.append(place)
            return say(.acknowledged(work.mark), now: now)
        }
        if let older = running[subject]?.work.mark, isNewer(work, than: older, view) { outputs.append(.giveUp(older)) }
        let asked = asked ?? 0
        let isBacklog = epoch.map { asked > $0 } ?? true
        let command = HeldCommand(work: work, places: [place], isBacklog: isBacklog, epoch: asked)
        guard var earlier = held[subject] else { return held[subject] = command }
        if earlier.work.mark == work.mark {
            earlier.places.append(place)
            earlier.isBacklog = earlier.isBacklog && command.isBacklog
            earlier.epoch = min(earlier.epoch, command.epoch)
            // Asked for again, it may not have been heard.
            earlier.isAcknowledged = false
            held[subject] = earlier
        } else if earlier.work.mark.generation < work.mark.generation {
            supersede(earlier, view)
            held[subject] = command
        } else {
            finish(command, .superseded)
        }
    }

    /// Whether a command was asked for after another one that is under way.
    ///
    /// What the cluster has done already, or is doing, is no newer for a higher number: after a recovery the fleet
    /// numbers anew.
    private func isNewer(_ work: ClusterWork, than older: CommandMark, _ view: some Cluster) -> Bool {
        guard older.command != work.mark.command, older.generation < work.mark.generation else { return false }
        guard let mark = view.mark(of: work.subject) else { return true }
        return mark.command != work.mark.command && !isFormer(work, of: mark, view)
    }

    /// Whether a command was done before the one that made the subject what it is, which the fleet tells again after it.
    ///
    /// Not where that one has a number of the same numbering already: then the fleet wants this one behind it, and what
    /// was done between the two is to be undone.
    private func isFormer(_ work: ClusterWork, of mark: CommandMark, _ view: some Cluster) -> Bool {
        !work.isRepair && mark.generation / Recovery.jump < work.mark.generation / Recovery.jump
            && view.hasDone(work.mark.command, before: mark, of: work.subject)
    }

    /// Forgets a command that has not begun; one that has is ended, and its result told all the same, unless it waits for
    /// a cluster that is away: then it is given up.
    ///
    /// A log is ended where it stands.
    mutating func withdraw(_ request: Withdrawn, at place: CommandPlace, now: Int64, _ view: some Cluster) {
        let subject = request.subject
        if case .log(_, let command) = subject { endLog(command, .withdrawn, now: now, view) }
        noteWithdrawn(subject, request.generation, now: now)
        if let command = held[subject], command.work.mark.generation <= request.generation {
            held[subject] = nil
            drop(command, now: now, view)
        }
        if let mark = running[subject]?.work.mark, mark.generation <= request.generation {
            outputs.append(.giveUp(mark))
        }
        outputs.append(.done(place))
    }

    /// What was taken back of a subject, and when.
    struct Withdrawal: Sendable, Hashable {
        /// The highest generation.
        var generation: Int64
        var at: Int64
    }

    /// Of logs, which are many and soon over, only the newest are remembered; of all others the newer half, where they are
    /// too many.
    private mutating func noteWithdrawn(_ subject: CommandSubject, _ generation: Int64, now: Int64) {
        withdrawn[subject] = Withdrawal(generation: max(withdrawn[subject]?.generation ?? 0, generation), at: now)
        guard withdrawn.count > Self.mostRemembered else { return }
        withdrawn = withdrawn.filter { if case .log = $0.key { $0.key == subject } else { true } }
        guard withdrawn.count > Self.mostRemembered else { return }
        let middle = withdrawn.values.map(\.at).sorted()[withdrawn.count / 2]
        withdrawn = withdrawn.filter { $0.value.at > middle || $0.key == subject }
    }

    /// Drops what was read before the welcome and is not listed there: the fleet has ended it.
    mutating func dropEnded(open: Set<String>, now: Int64, _ view: some Cluster) {
        let ended = untold
        untold = []
        for command in ended { drop(command, now: now, view) }
        for (subject, command) in held.sorted(by: { Self.isEarlier($0.value, $1.value) })
        where command.isBacklog && !open.contains(command.work.mark.command) {
            held[subject] = nil
            drop(command, now: now, view)
        }
    }

    /// Drops a command that nobody waits for any more.
    ///
    /// What a boot before this one did of it, and could not tell, is told all the same: the fleet is to know what the
    /// cluster runs.
    private mutating func drop(_ command: HeldCommand, now: Int64, _ view: some Cluster) {
        guard isUntold(command, view) else { return finish(command, .withdrawn) }
        guard epoch != nil else { return untold.append(command) }
        succeed(command, now: now, view)
    }

    /// Lets a newer command of the same subject take a place; what was done before the welcome is told after it.
    private mutating func supersede(_ command: HeldCommand, _ view: some Cluster) {
        guard epoch == nil, isUntold(command, view) else { return finish(command, .superseded) }
        untold.append(command)
    }

    /// Whether the cluster is as a command says that this boot has not begun; a repair has the mark of what it repairs.
    private func isUntold(_ command: HeldCommand, _ view: some Cluster) -> Bool {
        !command.work.isRepair && view.mark(of: command.work.subject) == command.work.mark
    }

    /// Begins what may begin: one command a subject at a time.
    mutating func act(now: Int64, _ view: some Cluster) {
        guard isActive, let epoch else { return }
        let ready = held.filter { running[$0.key] == nil && $0.value.epoch <= epoch }.values
        for command in ready.sorted(by: { Self.isEarlier($0, $1) }) {
            held[command.work.subject] = nil
            begin(command, now: now, view)
        }
        acknowledgeRenumbered(epoch, now: now)
    }

    /// Says of what is under way that it was taken under its new number too, which has to wait for the end of it.
    private mutating func acknowledgeRenumbered(_ epoch: Int64, now: Int64) {
        let waiting = held.values.filter { command in
            !command.isAcknowledged && command.epoch <= epoch
                && command.work.isRenumbered(running[command.work.subject]?.work.mark)
        }
        for command in waiting.sorted(by: { Self.isEarlier($0, $1) }) {
            held[command.work.subject]?.isAcknowledged = true
            say(.acknowledged(command.work.mark), now: now)
        }
    }

    /// Tells the end of work, also when a boot before this one began it and this one was asked again.
    mutating func finish(_ work: ClusterWork, _ failure: WorkFailure?, now: Int64, _ view: some Cluster) {
        guard let command = running[work.subject], command.work.mark == work.mark else { return }
        if case .log(let request) = work, failure == nil {
            return endLog(request.command, .complete, now: now, view)
        }
        running[work.subject] = nil
        if let failure {
            remember(failure, of: work)
            fail(command, failure, .failed, now: now)
        } else {
            succeed(command, now: now, view)
        }
    }

    /// Says again that work is on its way, which gives it its time anew: it was begun, and waits for room.
    ///
    /// Not of a repair: its command has ended, and has no time that runs.
    mutating func sayAcknowledged(_ work: ClusterWork, now: Int64) {
        guard !work.isRepair, running[work.subject]?.work.mark == work.mark else { return }
        say(.acknowledged(work.mark), now: now)
        if let next = held[work.subject], next.isAcknowledged, next.work.isRenumbered(work.mark) {
            say(.acknowledged(next.work.mark), now: now)
        }
    }

    private mutating func begin(_ command: HeldCommand, now: Int64, _ view: some Cluster) {
        let work = command.work
        say(.acknowledged(work.mark), now: now)
        if let mark = view.mark(of: work.subject) {
            // It is done: a repair finds something to do only as long as somebody else's change is there.
            let isMade = mark.command == work.mark.command && mark.generation >= work.mark.generation
            let isDone = isMade && !(work.isRepair && !view.drift(of: work.subject).isEmpty)
            if isDone { return succeed(command, now: now, view) }
            if isSuperseded(work, by: mark, view) {
                return fail(command, Self.superseded(by: mark), .superseded, now: now)
            }
        }
        if !work.isRepair, let failure = failures[work.mark.command] {
            return fail(command, failure, .failed, now: now)
        }
        if case .log(let request) = work {
            if endedLogs.contains(request.command) { return succeed(command, now: now, view) }
            logs[request.command] = LogStream(request, now: now)
        }
        running[work.subject] = command
        outputs.append(.start(work))
    }

    /// Whether the cluster is further than the command, by another one.
    ///
    /// A namespace that is there may be asked for by anyone; one that was removed only by a newer command. A command that
    /// was done before the newest one is behind it, whatever its generation: after a recovery the fleet numbers anew.
    private func isSuperseded(_ work: ClusterWork, by mark: CommandMark, _ view: some Cluster) -> Bool {
        guard mark.command != work.mark.command else { return false }
        let isFormer = isFormer(work, of: mark, view)
        return switch work {
        case .namespace(let request):
            (isFormer || mark.generation > request.generation) && !view.namespaces.contains(request.namespace)
        case .namespaceRemoval: isFormer || mark.generation > work.mark.generation
        case .release, .removal, .objects: isFormer || mark.generation >= work.mark.generation
        case .log: false
        }
    }

    /// Tells that the cluster is as the command says.
    mutating func succeed(_ command: HeldCommand, now: Int64, _ view: some Cluster) {
        switch command.work {
        case .namespace(let request): addNamespace(request.namespace)
        case .namespaceRemoval(let request): dropNamespace(request.namespace, now: now, view)
        case .release, .removal, .objects, .log: break
        }
        say(.applied(command.work.mark, objects: view.objects(of: command.work.subject)), now: now)
        noteSuccess(of: command.work, now: now)
        finish(command, .applied)
    }

    private mutating func fail(
        _ command: HeldCommand,
        _ failure: WorkFailure,
        _ outcome: CommandOutcome,
        now: Int64
    ) {
        if case .log(let request) = command.work { forgetLog(request.command, now: now) }
        say(.failed(command.work.mark, failure), now: now)
        finish(command, outcome)
    }

    private mutating func remember(_ failure: WorkFailure, of work: ClusterWork) {
        if failures.count >= Self.mostRemembered { failures.removeAll() }
        failures[work.mark.command] = failure
    }

    /// How many commands of the past an agent remembers.
    static let mostRemembered = 10_000

    private mutating func finish(_ command: HeldCommand, _ outcome: CommandOutcome) {
        count(outcome)
        for place in command.places { outputs.append(.done(place)) }
    }

    private static func superseded(by mark: CommandMark) -> WorkFailure {
        WorkFailure(
            code: AgentFailed.clusterIsFurther,
            message: "The cluster already runs generation \(mark.generation), made by the command \(mark.command)."
        )
    }

    private static func isEarlier(_ left: HeldCommand, _ right: HeldCommand) -> Bool {
        let (one, other) = (left.places[0], right.places[0])
        return (one.partition, one.offset) < (other.partition, other.offset)
    }
}

extension Withdrawn {
    /// What is taken back.
    var subject: CommandSubject {
        if let logs { return .log(namespace: namespace, command: logs) }
        if let object { return .object(namespace: namespace, object) }
        return instance.isEmpty ? .namespace(namespace) : .release(namespace: namespace, instance: instance)
    }
}
