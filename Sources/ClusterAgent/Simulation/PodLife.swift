/// Where a simulated pod stands between its creation and being ready, or in the trouble it was told to be in.
struct PodLife: Codable, Sendable, Hashable {
    enum State: String, Codable, Sendable, Hashable {
        case pending
        case unschedulable
        case creating
        case initializing
        case pullError
        case pullBackOff
        case configError
        case running
        case ready
        case terminated
        case crashBackOff
        case succeeded
        case failed
    }

    /// What a pod does that ends by itself.
    struct Task: Codable, Sendable, Hashable {
        /// How long it runs.
        var time: Int64
        /// What it writes.
        var output: String
        /// Whether it ends badly.
        var fails: Bool
    }

    private(set) var state = State.pending
    let failure: SimulatedFailure?
    /// How many containers run one after another before the others.
    let initContainers: Int
    /// What the pod does and then ends; `nil` where it stays.
    let task: Task?
    /// When each init container began that has begun.
    private(set) var initStarts: [Int64] = []
    /// When the last of them had ended.
    private(set) var initializedAt: Int64?
    /// How often the container was started again.
    private(set) var restarts: Int64 = 0
    /// How often the kubelet has backed off.
    private(set) var backOffs = 0
    private(set) var scheduledAt: Int64?
    private(set) var startedAt: Int64 = 0
    /// The newest end of the container.
    private(set) var ended: Run?

    /// One run of a container: microseconds since 1970.
    struct Run: Codable, Sendable, Hashable {
        var started: Int64
        var finished: Int64
        var exitCode: Int64 = 1
    }

    init(failure: SimulatedFailure?, initContainers: Int = 0, task: Task? = nil) {
        self.failure = failure
        self.initContainers = initContainers
        self.task = task
    }

    /// Whether it has ended and stays so.
    var isOver: Bool { state == .succeeded || state == .failed }

    /// Whether another state comes after a while.
    var isMoving: Bool {
        switch state {
        case .pending, .creating, .initializing, .pullError, .pullBackOff, .terminated, .crashBackOff: true
        case .running: task != nil || failure != .neverReady
        case .unschedulable, .configError, .ready, .succeeded, .failed: false
        }
    }

    /// Whether the containers run.
    var isRunning: Bool { state == .running || state == .ready }

    /// Moves to the next state; returns after how long there is another one, `nil` when this one lasts.
    mutating func advance(now: Int64, _ timings: SimulatedTimings) -> Int64? {
        switch state {
        case .pending:
            guard failure != .unschedulable else { return enter(.unschedulable, for: nil) }
            scheduledAt = now
            return enter(.creating, for: timings.pull)
        case .creating:
            if failure == .imagePull { return enter(.pullError, for: timings.backOff / 5) }
            if failure == .configError { return enter(.configError, for: nil) }
            return initialize(now: now, timings)
        case .initializing: return initialize(now: now, timings)
        case .pullError: return enter(.pullBackOff, for: backOff(timings))
        case .pullBackOff: return enter(.pullError, for: timings.backOff / 5)
        case .running:
            if let task {
                ended = Run(started: startedAt, finished: now, exitCode: task.fails ? 1 : 0)
                return enter(task.fails ? .failed : .succeeded, for: nil)
            }
            guard failure == .crashLoop else { return enter(.ready, for: nil) }
            ended = Run(started: startedAt, finished: now)
            return enter(.terminated, for: timings.start)
        case .terminated:
            // The kubelet starts a container again at once, and backs off from its second end on.
            guard restarts > 0 else { return restart(now: now, timings) }
            return enter(.crashBackOff, for: backOff(timings))
        case .crashBackOff: return restart(now: now, timings)
        case .unschedulable, .configError, .ready, .succeeded, .failed: return nil
        }
    }

    /// How long the kubelet waits now.
    func backOffTime(_ timings: SimulatedTimings) -> Int64 {
        min(timings.backOff << min(max(backOffs - 1, 0), 5), timings.backOff * 30)
    }

    private mutating func enter(_ state: State, for time: Int64?) -> Int64? {
        self.state = state
        return time
    }

    /// Runs the next init container, or all others where there is none left.
    private mutating func initialize(now: Int64, _ timings: SimulatedTimings) -> Int64? {
        guard initStarts.count < initContainers else {
            initializedAt = now
            return run(now: now, timings)
        }
        initStarts.append(now)
        return enter(.initializing, for: timings.start)
    }

    private mutating func run(now: Int64, _ timings: SimulatedTimings) -> Int64? {
        startedAt = now
        if let task { return enter(.running, for: task.time) }
        return enter(.running, for: failure == .neverReady ? nil : timings.ready)
    }

    private mutating func restart(now: Int64, _ timings: SimulatedTimings) -> Int64? {
        restarts += 1
        return run(now: now, timings)
    }

    private mutating func backOff(_ timings: SimulatedTimings) -> Int64 {
        backOffs += 1
        return backOffTime(timings)
    }
}
