import Domain
import Synchronization

/// Looks at what commands have made, once in a while.
final class DriftWatch: Sendable {
    private struct State {
        var teller = DriftTeller()
        var nextLook: Int64 = 0
    }

    private let view: ClusterView
    private let kinds: [WatchedKind]
    private let state = Mutex(State())
    /// How often it looks: microseconds.
    private static let pause: Int64 = 2_000_000

    init(view: ClusterView) {
        self.view = view
        kinds = view.kinds
    }

    /// What is not as a subject's newest command has left it.
    func drift(of subject: CommandSubject) -> [DriftedObject] {
        view.record(of: subject).map(drift) ?? []
    }

    /// What is to be told now.
    func poll(now: Int64) -> [ClusterEvent] {
        state.withLock { state in
            guard now >= state.nextLook else { return [] }
            state.nextLook = now + Self.pause
            let records = view.namespaces.filter(view.isListed).flatMap(view.records)
            state.teller.keep(Set(records.map(\.configMap)))
            return records.compactMap { record in
                state.teller.look(record.configMap, mark: record.mark, drift(of: record), now: now)
                    .map { .drifted(record.mark, $0) }
            }
        }
    }

    private func drift(of record: MarkRecord) -> [DriftedObject] {
        DriftJudge.drift(of: record, kinds: kinds, find: view.object)
    }
}
