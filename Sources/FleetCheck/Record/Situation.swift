/// What happens seldom, and must have happened for a run to prove anything.
package enum Situation: String, Codable, Sendable, Hashable, CaseIterable {
    /// A partition went to another lane while a transaction about its messages was under way.
    case rebalanceInTransaction = "rebalance_in_transaction"
    /// A lane that had lost a partition was kept from writing.
    case staleFence = "stale_fence"
    /// A message that had been handled was recognised.
    case inboxDuplicate = "inbox_duplicate"
    /// A message waited for its turn after a failure, and was handled then.
    case parkedAndReleased = "parked_and_released"
    /// A message was given up with a reason.
    case deadLetter = "dead_letter"
    /// The outbox published a message again.
    case outboxResend = "outbox_resend"
    /// A snapshot told of objects that had gone unnoticed.
    case resyncRepair = "resync_repair"

    /// In words.
    package var sentence: String {
        switch self {
        case .rebalanceInTransaction: "a partition moved while a transaction was under way"
        case .staleFence: "a lane that lost its claim was fenced"
        case .inboxDuplicate: "a repeat was recognised by the inbox"
        case .parkedAndReleased: "a message was parked and released"
        case .deadLetter: "a message was dead-lettered"
        case .outboxResend: "the outbox published a message again"
        case .resyncRepair: "a snapshot repaired what changes had not told"
        }
    }
}
