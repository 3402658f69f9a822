import Kafka
import Postgres

/// What a lane does about a parked message whose try failed; pure.
enum ParkedRemedy: Equatable {
    /// The try counts: the key waits longer, or after the last one of such a cause the message is given up for this reason.
    ///
    /// Those of either cause are counted by themselves: a transaction that lost against another, or whose session was cut,
    /// uses up none of the tries that the message itself has.
    case count(FailedTry, Reason)
    /// No try counts, for no message is to blame: its key is left alone for a while.
    case rest(Reason)
    /// It is for others to decide: a partition is another lane's, or the process cannot go on.
    case leave

    /// How long a key is left alone whose message is not to blame.
    static let restingTime: Duration = .seconds(5)

    /// Decides.
    static func of(_ error: any Error) -> ParkedRemedy {
        switch Failure.classify(error) {
        case .message(let reason): return .count(.ofMessage, reason)
        case .transient:
            let reason = Reason(code: "kept_failing", sentence: "The transaction failed: \(error).")
            let isNobodysFault = error is KafkaError || (error as? PostgresError)?.isServersTrouble == true
            return isNobodysFault ? .rest(reason) : .count(.ofTransaction, reason)
        case .fenced, .noRoom, .fatal: return .leave
        }
    }
}
