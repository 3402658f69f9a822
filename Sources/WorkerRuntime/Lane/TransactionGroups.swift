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
