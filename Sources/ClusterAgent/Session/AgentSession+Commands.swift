import Domain

/// A command that is not ended, with every place it was read at.
struct HeldCommand: Sendable, Hashable {
    var work: ClusterWork
    var places: [CommandPlace]
    /// It was read before the welcome, which lists what is still wanted of such.
    var isBacklog: Bool
}

extension AgentSession {
    /// Keeps a command until it may be acted on: of one subject, only the one of the highest generation.
    mutating func take(_ work: ClusterWork, at place: CommandPlace, now: Int64) {
        let subject = work.subject
        if let generation = withdrawn[subject], work.mark.generation <= generation {
            count(.withdrawn)
            return outputs.append(.done(place))
        }
        if running[subject]?.work.mark == work.mark {
            running[subject]?.places.append(place)
            return say(.acknowledged(work.mark), now: now)
        }
        let command = HeldCommand(work: work, places: [place], isBacklog: epoch == nil)
        guard var earlier = held[subject] else { return held[subject] = command }
        if earlier.work.mark == work.mark {
            earlier.places.append(place)
            earlier.isBacklog = earlier.isBacklog && command.isBacklog
            held[subject] = earlier
        } else if earlier.work.mark.generation < work.mark.generation {
            finish(earlier, .superseded)
            held[subject] = command
        } else {
            finish(command, .superseded)
        }
    }

    /// Forgets a command that has not begun; one that has is ended, and its result told all the same.
    mutating func withdraw(_ request: Withdrawn, at place: CommandPlace) {
        let subjects: [CommandSubject] =
            request.instance.isEmpty
            ? [.namespace(request.namespace)] : [.release(namespace: request.namespace, instance: request.instance)]
        for subject in subjects {
            withdrawn[subject] = max(withdrawn[subject] ?? 0, request.generation)
            if let command = held[subject], command.work.mark.generation <= request.generation {
                held[subject] = nil
                finish(command, .withdrawn)
            }
        }
        outputs.append(.done(place))
    }

    /// Drops what was read before the welcome and is not open any more: the fleet has ended it.
    mutating func dropEnded(open: Set<String>) {
        for (subject, command) in held where command.isBacklog && !open.contains(command.work.mark.command) {
            held[subject] = nil
            finish(command, .withdrawn)
        }
    }

    /// Begins what may begin: one command a subject at a time.
    mutating func act(now: Int64, _ view: some Cluster) {
        guard isActive else { return }
        let ready = held.filter { running[$0.key] == nil }.values
        for command in ready.sorted(by: { Self.isEarlier($0, $1) }) {
            held[command.work.subject] = nil
            begin(command, now: now, view)
        }
    }

    /// Tells the end of work, also when a boot before this one began it and this one was asked again.
    mutating func finish(_ work: ClusterWork, _ failure: WorkFailure?, now: Int64, _ view: some Cluster) {
        guard let command = running[work.subject], command.work.mark == work.mark else { return }
        running[work.subject] = nil
        if let failure {
            failures[work.mark.command] = failure
            say(.failed(work.mark, failure), now: now)
        } else {
            if case .namespace(let request) = work { addNamespace(request.namespace) }
            say(.applied(work.mark, objects: view.objects(of: work.subject)), now: now)
        }
        finish(command, failure == nil ? .applied : .failed)
    }

    private mutating func begin(_ command: HeldCommand, now: Int64, _ view: some Cluster) {
        let work = command.work
        say(.acknowledged(work.mark), now: now)
        if let mark = view.mark(of: work.subject) {
            if mark == work.mark {
                say(.applied(mark, objects: view.objects(of: work.subject)), now: now)
                return finish(command, .applied)
            }
            if case .release = work, mark.generation >= work.mark.generation {
                say(.failed(work.mark, Self.superseded(by: mark)), now: now)
                return finish(command, .superseded)
            }
        }
        if let failure = failures[work.mark.command] {
            say(.failed(work.mark, failure), now: now)
            return finish(command, .failed)
        }
        running[work.subject] = command
        outputs.append(.start(work))
    }

    private mutating func finish(_ command: HeldCommand, _ outcome: CommandOutcome) {
        count(outcome)
        for place in command.places { outputs.append(.done(place)) }
    }

    private static func superseded(by mark: CommandMark) -> WorkFailure {
        WorkFailure(
            code: "superseded_generation",
            message: "The cluster already runs generation \(mark.generation), made by the command \(mark.command)."
        )
    }

    private static func isEarlier(_ left: HeldCommand, _ right: HeldCommand) -> Bool {
        let (one, other) = (left.places[0], right.places[0])
        return (one.partition, one.offset) < (other.partition, other.offset)
    }
}
