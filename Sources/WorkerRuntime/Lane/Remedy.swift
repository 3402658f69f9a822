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
    /// - Parameters:
    ///   - failures: How often the same messages have failed, this time included.
    ///   - isServersTrouble: Whether the server said of itself that it is in trouble, which no message is to blame for.
    static func of(_ failure: Failure, failures: Int, isServersTrouble: Bool, saying error: String) -> Remedy {
        switch failure {
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

/// Cuts what was polled where one transaction must end: before a repeated inbox key, and around suspects; pure.
///
/// - Parameters:
///   - isSuspect: Whether the message may be one that ends its worker: it gets a transaction of its own.
///   - identity: What the inbox knows the message by, if it does.
func transactionGroups<Message>(
    of messages: [Message],
    isSuspect: (Message) -> Bool,
    identity: (Message) -> InboxKey?
) -> [[Message]] {
    var groups: [[Message]] = [[]]
    var seen: Set<InboxKey> = []
    for message in messages {
        let stands = isSuspect(message)
        let key = identity(message)
        let isRepeat = key.map { !seen.insert($0).inserted } ?? false
        if stands || isRepeat, groups[groups.count - 1].isEmpty == false {
            groups.append([])
            seen = Set([key].compactMap { $0 })
        }
        groups[groups.count - 1].append(message)
        if stands { groups.append([]) }
    }
    return groups.filter { !$0.isEmpty }
}
