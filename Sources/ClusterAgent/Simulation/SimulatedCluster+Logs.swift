import Domain

/// A log that is being told.
struct Follow: Sendable, Hashable {
    let request: LogsRequested
    var log: SimulatedLog
    /// The uid of the pod.
    let pod: String
    /// The number of the next line.
    var next: Int
}

extension SimulatedCluster {
    /// Tells a container's log: its newest lines, and further ones as they come.
    mutating func tell(_ request: LogsRequested) {
        let work = ClusterWork.log(request)
        guard follows[request.command] == nil else { return }
        do throws(WorkFailure) {
            let (pod, log) = try log(for: request)
            let count = log.count(at: now)
            let first = request.lines.map { max(0, count - max(0, $0)) } ?? 0
            follows[request.command] = Follow(request: request, log: log, pod: pod.uid, next: first)
            follow(request.command)
        } catch {
            report(.finished(work, error))
        }
    }

    /// Tells the lines that were written since the last look.
    mutating func follow(_ command: String) {
        guard var follow = follows[command] else { return }
        let id = ClusterObject.ID(kind: "Pod", namespace: follow.request.namespace, name: follow.request.pod)
        if let ended = lives[id]?.ended, ended.started == follow.log.run.started {
            follow.log.run.finished = ended.finished
        }
        let end = min(follow.log.count(at: now), follow.next + follow.log.mostLines(of: follow.request.bytes))
        if end > follow.next {
            report(.logged(follow.request, lines: (follow.next..<end).map(follow.log.line)))
            follow.next = end
        }
        follows[command] = follow
        let isOver = follow.log.run.finished != nil || objects[id]?.uid != follow.pod
        guard !follow.request.follow || isOver else {
            return agenda.add(.follow(command: command), at: now + Self.lookEvery)
        }
        follows[command] = nil
        report(.finished(.log(follow.request), nil))
    }

    private static let lookEvery: Int64 = 500_000

    private func log(for request: LogsRequested) throws(WorkFailure) -> (pod: ClusterObject, log: SimulatedLog) {
        let id = ClusterObject.ID(kind: "Pod", namespace: request.namespace, name: request.pod)
        guard let pod = objects[id], let life = lives[id] else {
            throw Self.unknown("There is no pod '\(request.pod)' in the namespace '\(request.namespace)'.")
        }
        let named = { (list: String) -> (place: Int, image: String)? in
            let containers = pod.spec?[list]?.elements ?? []
            let place = containers.firstIndex { $0["name"]?.string == request.container }
            return place.map { ($0, containers[$0]["image"]?.string ?? "") }
        }
        if let (place, image) = named("initContainers") {
            guard !request.previous, life.initStarts.indices.contains(place) else { throw Self.notStarted(request) }
            let ends = life.initStarts.dropFirst(place + 1).first ?? life.initializedAt
            let task = SimulatedLog.Ending.task("\(request.container): begins\n\(request.container): done\n", time: 1)
            return (pod, log(request, image, (life.initStarts[place], ends), task))
        }
        guard let (_, image) = named("containers") else {
            throw Self.unknown("There is no container '\(request.container)' in the pod '\(request.pod)'.")
        }
        let ending: SimulatedLog.Ending =
            life.task.map { .task($0.output, time: $0.time) } ?? (life.failure == .crashLoop ? .crashes : .serves)
        return (pod, log(request, image, try run(request, life), ending))
    }

    private func log(
        _ request: LogsRequested,
        _ image: String,
        _ run: (started: Int64, finished: Int64?),
        _ ending: SimulatedLog.Ending
    ) -> SimulatedLog {
        SimulatedLog(pod: request.pod, container: request.container, image: image, run: run, ending: ending)
    }

    /// The run whose log is wanted: the present one, or the one before it.
    private func run(_ request: LogsRequested, _ life: PodLife) throws(WorkFailure) -> (
        started: Int64, finished: Int64?
    ) {
        let ended = life.ended.map { run -> (started: Int64, finished: Int64?) in (run.started, run.finished) }
        if request.previous {
            guard let ended, life.restarts > 0 else {
                throw Self.unknown("The container '\(request.container)' was not started again: it has no run before.")
            }
            return ended
        }
        if life.isRunning { return (life.startedAt, nil) }
        guard let ended else { throw Self.notStarted(request) }
        return ended
    }

    private static func unknown(_ message: String) -> WorkFailure {
        WorkFailure(code: "unknown_container", message: message)
    }

    private static func notStarted(_ request: LogsRequested) -> WorkFailure {
        WorkFailure(
            code: "container_not_started",
            message:
                "The container '\(request.container)' of the pod '\(request.pod)' has not started: it has no log yet."
        )
    }
}
