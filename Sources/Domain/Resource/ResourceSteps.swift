import WorkerRuntime

/// The steps of a batch of changes that need no database, each alone, for a program that counts what they cost.
///
/// Each object of the batch is stored and remembered as it was before, and seen to change.
package final class ResourceSteps {
    private let entries: [Entry<ResourceMessage>]
    private let ids: [ResourceID]
    private let streams: Set<StreamID>
    /// Of each object, as it was before the batch.
    private var stored: [ResourceState?] = []
    /// What the batch makes of them.
    private var changed: [ResourceHistory] = []
    private let memory = ResourceMemory()
    private let now: Int64 = 1_700_000_000_000_000

    /// Decodes the messages of one batch.
    package init(_ messages: [KafkaMessageView], by handler: ResourceHandler) throws(Refusal) {
        var entries: [Entry<ResourceMessage>] = []
        for message in messages { entries.append(Entry(try handler.decode(message), message: message)) }
        self.entries = entries
        streams = Set(entries.map(\.input.stream))
        ids = Set(entries.compactMap(\.input.fact.id)).sorted { $0.key < $1.key }
        let first = plan(after: ids.map { _ in nil })
        stored = first.histories.map { history in
            var state = history.result
            state?.position = StreamPosition(epoch: 0, sequence: 1)
            state?.generation = 0
            return state
        }
        changed = plan(after: stored).histories.filter(\.isChanged)
    }

    private func plan(after stored: [ResourceState?]) -> ResourcePlan {
        var plan = ResourcePlan(ids, stored: stored, streams: [:], now: now)
        for place in entries.indices { entries[place].outcome = plan.take(entries[place].input, entry: place) }
        return plan
    }

    /// Looks into the memory, decides the batch, and takes what became of it into the memory.
    ///
    /// - Returns: How many objects changed.
    package func decide() -> Int {
        let remembered = ids.map(memory.state)
        let plan = plan(after: stored)
        memory.take(plan.histories, of: streams, mark: 1)
        return remembered.count > 0 ? plan.histories.filter(\.isVisiblyChanged).count : 0
    }

    /// Makes the rows of the statement that writes the objects; returns how many.
    package func makeRows() -> Int {
        var rows = ResourceRows(capacity: changed.count)
        for history in changed {
            guard let state = history.result else { continue }
            rows.append(history.id, state, object: history.objectEntry.map { entries[$0] })
        }
        return rows.parameters.isEmpty ? 0 : rows.count
    }

    /// What is published of the objects.
    package func makeRecords() -> [OutboxRecord] {
        let head = ResourceStatus.head(at: now)
        return changed.compactMap { history in
            history.result.map { ResourceStatus.record(of: history.id, $0, head) }
        }
    }
}
