/// What is to happen when, in a simulated cluster; things due at the same time happen in the order they were noted.
struct Agenda<Step: Sendable & Hashable>: Sendable, Hashable {
    private struct Item: Sendable, Hashable {
        var time: Int64
        var step: Step
    }

    /// By time, latest first, so that taking the next is cheap.
    private var items: [Item] = []

    /// The time of the next step.
    var nextTime: Int64? { items.last?.time }

    /// Notes a step.
    mutating func add(_ step: Step, at time: Int64) {
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if items[middle].time > time { low = middle + 1 } else { high = middle }
        }
        items.insert(Item(time: time, step: step), at: low)
    }

    /// Takes the next step that is due.
    mutating func next(dueAt now: Int64) -> (time: Int64, step: Step)? {
        guard let item = items.last, item.time <= now else { return nil }
        items.removeLast()
        return (item.time, item.step)
    }
}
