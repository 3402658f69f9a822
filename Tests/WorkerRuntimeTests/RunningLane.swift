import Foundation
import Kafka
import Postgres
import Synchronization

@testable import WorkerRuntime

/// A lane on a thread of its own, whose handler does what a test wants.
final class RunningLane: Sendable {
    /// Ends it.
    let stop = StopSignal()
    private let ended = Mutex<Result<Void, any Error>?>(nil)

    /// Starts it.
    ///
    /// - Parameter work: What is done in the transaction of each batch.
    init(
        _ configuration: LaneConfiguration,
        _ work: @escaping @Sendable (borrowing PostgresTransaction) throws -> Void
    ) {
        Thread.detachNewThread { [self] in
            let result = Result {
                try Lane(
                    configuration,
                    name: "lane",
                    handler: WorkHandler(work: work),
                    stop: stop,
                    pulse: LanePulse()
                ).run()
            }
            ended.withLock { $0 = result }
        }
    }

    /// How it ended; `nil` while it lives.
    var result: Result<Void, any Error>? { ended.withLock { $0 } }
}

/// Takes every message as it is.
private struct WorkHandler: Handler {
    let work: @Sendable (borrowing PostgresTransaction) throws -> Void

    func decode(_ message: KafkaMessageView) throws(Refusal) -> String { message.key ?? "" }

    func inboxKey(of input: String) -> InboxKey? { nil }

    func handle(_ batch: Batch<String>, in transaction: borrowing PostgresTransaction) throws {
        try work(transaction)
    }
}
