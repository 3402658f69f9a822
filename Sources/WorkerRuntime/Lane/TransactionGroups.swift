/// Cuts what was polled where one transaction must end: before a repeated inbox key, and around suspects; pure.
///
/// Messages are named by their places, so that it is made once and not anew for what each handler decodes.
/// - Parameters:
///   - count: How many messages there are.
///   - isSuspect: Whether the message may be one that ends its worker: it gets a transaction of its own.
///   - identity: What the inbox knows the message by, if it does.
/// - Returns: The places of each transaction's messages, which together are all places in order.
func transactionGroups(
    _ count: Int,
    isSuspect: (Int) -> Bool,
    identity: (Int) -> InboxKey?
) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var start = 0
    var seen: Set<InboxKey> = []
    func cut(before place: Int) {
        if start < place { groups.append(start..<place) }
        start = place
    }
    for place in 0..<count {
        let stands = isSuspect(place)
        let key = identity(place)
        let isRepeat = key.map { !seen.insert($0).inserted } ?? false
        if stands || isRepeat, start < place {
            cut(before: place)
            seen = Set([key].compactMap { $0 })
        }
        if stands { cut(before: place + 1) }
    }
    cut(before: count)
    return groups
}
