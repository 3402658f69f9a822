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

    /// How often a transaction may fail for what may be a message's fault before one of its messages is suspected.
    static let mostFailures = 5
    /// How often a transaction that failed is tried again at once.
    private static let quickTries = 3

    /// Decides.
    ///
    /// - Parameter failures: How often the same messages have failed, this time included.
    static func of(_ error: any Error, failures: FailureCount) -> Remedy {
        // What the server says of itself no message is to blame for.
        let isServersTrouble = (error as? PostgresError)?.isServersTrouble == true
        switch Failure.classify(error) {
        case .fenced: return .claimAgain
        case .noRoom(let queues): return .waitForRoom(queues)
        case .transient where failures.suspicious >= mostFailures && !isServersTrouble:
            return .isolate(
                Reason(code: "kept_failing", sentence: "The transaction failed \(failures.suspicious) times: \(error).")
            )
        case .transient(let isConnectionLost):
            return .tryAgain(afterRecovery: isConnectionLost || failures.all > quickTries)
        case .message(let reason): return .isolate(reason)
        case .fatal(let error): return .end(error)
        }
    }
}

/// How often the transaction of the same messages has failed.
struct FailureCount {
    /// In all.
    var all = 0
    /// For what none of the messages is to blame for, such as a lock of somebody else or a server that restarts.
    var ofOthers = 0

    /// For what one of the messages may be to blame for.
    var suspicious: Int { all - ofOthers }

    /// Counts a failure.
    mutating func note(_ error: any Error) {
        all += 1
        if error is NoRoom || (error as? PostgresError)?.isServersTrouble == true { ofOthers += 1 }
    }
}
