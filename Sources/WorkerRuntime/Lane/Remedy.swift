import Postgres

/// What a lane does about messages whose transaction did not commit; pure.
enum Remedy {
    /// Drop them and claim their partitions again: another lane may hold them.
    case claimAgain
    /// Let the partitions of these queues wait, then try the rest once more.
    case waitForRoom([FullQueue])
    /// Try them in halves; one alone is parked or dead-lettered for this reason.
    case isolate(Reason)
    /// Try the same messages once more, at once or when the database has answered again.
    case tryAgain(afterRecovery: Bool)
    /// End the process.
    case end(any Error)

    /// How often a transaction may fail before one of its messages is suspected.
    static let mostFailures = 5
    /// How often a transaction that failed is tried again at once.
    private static let quickTries = 3

    /// Decides.
    ///
    /// - Parameter failures: How often the same messages have failed, this time included.
    static func of(_ error: any Error, failures: Int) -> Remedy {
        // What the server says of itself no message is to blame for.
        let isServersTrouble = (error as? PostgresError)?.isServersTrouble == true
        switch Failure.classify(error) {
        case .fenced: return .claimAgain
        case .noRoom(let queues): return .waitForRoom(queues)
        case .transient where failures >= mostFailures && !isServersTrouble:
            return .isolate(
                Reason(code: "kept_failing", sentence: "The transaction failed \(failures) times: \(error).")
            )
        case .transient(let isConnectionLost):
            return .tryAgain(afterRecovery: isConnectionLost || failures > quickTries)
        case .message(let reason): return .isolate(reason)
        case .fatal(let error): return .end(error)
        }
    }
}
