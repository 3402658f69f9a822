/// I8: the outbox is empty, nothing is parked any more, every refusal has a reason, and no process ended by itself.
enum OpennessRule {
    /// By how many seconds a parked key may be overdue: the lane that owns it looks every now and then.
    static let patience = 30.0

    static func violations(_ index: HistoryIndex) -> [Violation] {
        outbox(index) + parked(index) + reasons(index) + endings(index)
    }

    private static func outbox(_ index: HistoryIndex) -> [Violation] {
        let database = index.history.database
        var found: [Violation] = []
        if database.outbox > 0 { found.append(Violation(.openness, "the outbox", "it still holds \(database.outbox)")) }
        if database.undeliverable > 0 {
            found.append(
                Violation(.openness, "the outbox", "\(database.undeliverable) messages could not be delivered")
            )
        }
        return found
    }

    /// Nobody disturbs the fleet any more when it is judged: what could not be done for a while was done since.
    private static func parked(_ index: HistoryIndex) -> [Violation] {
        index.history.database.parked.map { key in
            guard let overdue = key.overdue else {
                return Violation(.openness, "\(key.name) \(key.key)", "it is parked without a time")
            }
            if overdue > patience {
                return Violation(.openness, "\(key.name) \(key.key)", "it is overdue by \(Int(overdue)) s")
            }
            if !key.hasReason { return Violation(.openness, "\(key.name) \(key.key)", "it is parked without a reason") }
            return Violation(.openness, "\(key.name) \(key.key)", "it still waits")
        }
    }

    private static func reasons(_ index: HistoryIndex) -> [Violation] {
        var found: [Violation] = []
        for (message, result) in index.results where ["rejected", "failed", "timed_out"].contains(result.state) {
            let hasReason = result.reason.map { !$0.code.isEmpty && !$0.message.isEmpty } ?? false
            if !hasReason { found.append(Violation(.openness, "\(message.place)", "\(result.state) without a reason")) }
        }
        for message in index.history.messages where message.topic.hasSuffix(Topic.deadLetters) {
            let code = message.headers["slipway-reason-code"] ?? ""
            let sentence = message.headers["__connect.errors.exception.message"] ?? ""
            if code.isEmpty || sentence.isEmpty {
                found.append(Violation(.openness, "\(message.place)", "a dead letter without a reason"))
            }
        }
        return found
    }

    private static func endings(_ index: HistoryIndex) -> [Violation] {
        index.history.endings.map { Violation(.openness, $0.process, $0.says) }
    }
}
