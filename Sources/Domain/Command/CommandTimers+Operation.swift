extension CommandTimers {
    /// The most seconds that an operation's steps may take, where it is quicker than a deployment.
    private static let limits: [InstanceOperation: (apply: Int, healthy: Int, total: Int, settle: Int)] = [
        .restart: (120, 300, 900, 3600),
        .start: (120, 300, 900, 3600),
        .scale: (120, 300, 900, 3600),
        // What is gone does not come back by itself: nothing has to settle.
        .stop: (120, 180, 600, 0),
        .delete: (300, 300, 900, 0),
    ]

    /// The fewest seconds that an operation which has to settle may take as a whole.
    static let shortestTotal = limits.values.filter { $0.settle > 0 }.map { $0.total }.min() ?? Int.max

    /// The timers of one operation: what changes no version is given up sooner.
    func limited(to operation: String) -> CommandTimers {
        guard let limit = InstanceOperation(command: operation).flatMap({ Self.limits[$0] }) else { return self }
        var timers = self
        timers.apply = min(apply, limit.apply)
        timers.healthy = min(healthy, limit.healthy)
        timers.total = min(total, limit.total)
        timers.settle = min(settle, limit.settle)
        return timers
    }

    /// Takes the seconds that a request gives the whole of an operation.
    ///
    /// It has to settle for half of them at most, or nothing could be over in time.
    /// What is removed takes as long as the slowest of its pods takes to end, and the agent has not done it before.
    mutating func allow(_ seconds: Int, for operation: String) {
        total = seconds
        healthy = seconds
        settle = min(settle, seconds / 2)
        let isRemoval = InstanceOperation(command: operation) == .delete || operation == DeleteEnvironment.name
        if isRemoval { apply = max(apply, seconds) }
    }
}
