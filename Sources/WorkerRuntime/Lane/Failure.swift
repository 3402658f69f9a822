import Kafka
import Postgres

/// What a failed batch means; decided here and nowhere else.
enum Failure {
    /// Another lane holds a partition of the batch: its messages are dropped and the partition is claimed again.
    case fenced
    /// The database or the broker is in trouble: the same batch again, later. `isLost` when the connection is gone.
    case transient(isConnectionLost: Bool)
    /// Messages of the batch find the queues of their keys full: their partitions wait, the rest is tried again.
    case noRoom([FullQueue])
    /// One message of the batch is at fault.
    case message(Reason)
    /// The process cannot go on.
    case fatal(any Error)

    /// Whether what failed is tried again when the database has answered, where no message can be at fault.
    ///
    /// So it is outside of batches: whatever the server says of one statement, such as that somebody has cancelled it,
    /// the next one may succeed, and the partitions of a worker that ends are no better off with another one.
    static func isTriedAgain(_ error: any Error) -> Bool {
        switch classify(error) {
        case .transient: true
        case .message: (error as? PostgresError)?.kind == .server
        case .fenced, .noRoom, .fatal: false
        }
    }

    /// Sorts an error that a batch's transaction threw.
    static func classify(_ error: any Error) -> Failure {
        switch error {
        case let error as PostgresError:
            if error.sqlState?.rawValue == "SW001" { return .fenced }
            if error.isCommitUnknown { return .transient(isConnectionLost: true) }
            if error.isTransient { return .transient(isConnectionLost: error.isConnectionLost) }
            return .message(Reason(code: "database_refused", sentence: "The database refused the change: \(error)."))
        case let error as KafkaError:
            if error.isFatal { return .fatal(error) }
            return .transient(isConnectionLost: false)
        case let noRoom as NoRoom:
            return .noRoom(noRoom.queues)
        case let reason as Reason:
            return .message(reason)
        case let refusal as Refusal:
            return .message(refusal.reason)
        default:
            return .message(
                Reason(code: "handler_failed", sentence: "The handler failed with \(type(of: error)): \(error).")
            )
        }
    }
}
