import Foundation
public import Postgres
public import WorkerRuntime

/// Keeps what agents tell for people to read: what hook Jobs wrote, and Kubernetes Events.
///
/// Nothing is decided by it and nothing of it is published again. What a Job prints is its chart's affair: it is shown to
/// those who can read the database, and to nobody else.
public final class AgentOutputHandler: Handler {
    private let decoder: AgentOutputDecoder
    private let clusters = ClusterEpochs()
    private let store = OutputStore()

    /// Makes the handler of one lane.
    public init(fleetKey: FleetKey) {
        decoder = AgentOutputDecoder(signatures: AgentSignatures(fleetKey))
    }

    /// A newer word replaces one that fails, so nothing waits behind it.
    public var parksFailures: Bool { false }

    /// Writing the same again changes nothing.
    public func inboxKey(of input: AgentOutputInput) -> InboxKey? { nil }

    /// Checks the signature and reads the message.
    public func decode(_ message: KafkaMessageView) throws(Refusal) -> AgentOutputInput {
        try decoder.decode(message)
    }

    /// Writes a batch with a fixed number of statements; see ``Handler/handle(_:in:)``.
    public func handle(_ batch: Batch<AgentOutputInput>, in transaction: borrowing PostgresTransaction) throws {
        let names = Set(batch.entries.map(\.input.cluster)).sorted()
        let known = try clusters.rows(of: clusters.submitRead(names, in: transaction), in: transaction)
        var stages: [OutputStore.Stage: (place: Int, word: OutputStore.Word)] = [:]
        var events: [OutputStore.EventID: KubernetesEvent] = [:]
        for (place, entry) in batch.entries.enumerated() {
            let input = entry.input
            entry.outcome = Self.judge(input, by: known[input.cluster], now: batch.now)
            guard entry.outcome == .applied else { continue }
            switch input.body {
            case .stage(let output):
                guard let command = UUID(uuidString: output.command) else {
                    entry.outcome = .deadLettered(.noCommand)
                    continue
                }
                let stage = OutputStore.Stage(cluster: input.cluster, command: command, name: output.stage)
                let word = OutputStore.Word(epoch: input.epoch, sequence: input.sequence, output: output)
                guard let before = stages[stage] else {
                    stages[stage] = (place, word)
                    continue
                }
                let isNewer = before.word.isOlder(than: word)
                batch.entries[isNewer ? before.place : place].outcome = .stale
                if isNewer { stages[stage] = (place, word) }
            case .event(let event):
                let id = OutputStore.EventID(cluster: input.cluster, namespace: input.namespace, uid: event.uid)
                if let before = events[id], before.count > event.count { continue }
                events[id] = event
            }
        }
        let written = try store.write(stages.mapValues(\.word), in: transaction)
        for (stage, what) in stages {
            switch written[stage] {
            case true?: break
            case false?: batch.entries[what.place].outcome = .stale
            case nil: batch.entries[what.place].outcome = .deadLettered(.noCommand)
            }
        }
        try store.write(events, now: batch.now, in: transaction)
    }

    private static func judge(_ input: AgentOutputInput, by cluster: ClusterEpochs.Row?, now: Int64) -> Outcome {
        guard let cluster else { return .deadLettered(.unknown("cluster", input.cluster)) }
        if let reason = cluster.keys.refusal(of: input.keyID, cluster: input.cluster, now: now) {
            return .deadLettered(reason)
        }
        // What a former boot said is as true as ever, and the new boot does not say it again: it counts where nothing
        // newer is known. One from a future epoch is of another database.
        return input.epoch > cluster.epoch ? .stale : .applied
    }
}

extension Reason {
    static let noCommand = Reason(
        code: "unknown_command",
        sentence: "'command' is no command of this cluster; agents tell of the stages of their own commands.",
        field: "command"
    )
}
