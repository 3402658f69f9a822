import Kafka
import Postgres

/// What a lane does about a parked message whose try failed; pure.
enum ParkedRemedy: Equatable {
    /// The message is at fault: its key waits longer, or after the last try it is given up for this reason.
    case count(Reason)
    /// It may be at fault, or its transaction lost against another, or its session was cut: as before, but such tries are
    /// counted by themselves, so that none of those that the message itself has is used up.
    case countApart(Reason)
    /// No try counts, for no message is to blame: its key is left alone for a while.
    case rest(Reason)
    /// It is for others to decide: a partition is another lane's, or the process cannot go on.
    case leave

    /// How long a key is left alone whose message is not to blame.
    static let restingTime: Duration = .seconds(5)

    /// Decides.
    static func of(_ error: any Error) -> ParkedRemedy {
        switch Failure.classify(error) {
        case .message(let reason): return .count(reason)
        case .transient:
            let reason = Reason(code: "kept_failing", sentence: "The transaction failed: \(error).")
            let isNobodysFault = error is KafkaError || (error as? PostgresError)?.isServersTrouble == true
            return isNobodysFault ? .rest(reason) : .countApart(reason)
        case .fenced, .noRoom, .fatal: return .leave
        }
    }
}
