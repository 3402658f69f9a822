/// Where a simulated pod stands between its creation and being ready, or in the trouble it was told to be in.
struct PodLife: Sendable, Hashable {
    enum State: Sendable, Hashable {
        case pending
        case unschedulable
        case creating
        case pullError
        case pullBackOff
        case configError
        case running
        case ready
        case terminated
        case crashBackOff
    }

    private(set) var state = State.pending
    let failure: SimulatedFailure?
    /// How often the container was started again.
    private(set) var restarts: Int64 = 0
    /// How often the kubelet has backed off.
    private(set) var backOffs = 0
    private(set) var scheduledAt: Int64?
    private(set) var startedAt: Int64 = 0
    /// The newest end of the container.
    private(set) var ended: Run?

    /// One run of a container: microseconds since 1970.
    struct Run: Sendable, Hashable {
        var started: Int64
        var finished: Int64
    }

    init(failure: SimulatedFailure?) {
        self.failure = failure
    }

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
            return run(now: now, timings)
        case .pullError: return enter(.pullBackOff, for: backOff(timings))
        case .pullBackOff: return enter(.pullError, for: timings.backOff / 5)
        case .running:
            guard failure == .crashLoop else { return enter(.ready, for: nil) }
            ended = Run(started: startedAt, finished: now)
            return enter(.terminated, for: timings.start)
        case .terminated:
            // The kubelet starts a container again at once, and backs off from its second end on.
            guard restarts > 0 else { return restart(now: now, timings) }
            return enter(.crashBackOff, for: backOff(timings))
        case .crashBackOff: return restart(now: now, timings)
        case .unschedulable, .configError, .ready: return nil
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

    private mutating func run(now: Int64, _ timings: SimulatedTimings) -> Int64? {
        startedAt = now
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
