/// Names an account of an agent's, so that the end of an earlier one is not taken for that of the present one.
public struct AccountMark: Sendable, Hashable {
    let number: Int64
}

/// How far an agent is with telling everything that it sees, from its welcome or its return on.
///
/// Its heartbeats say whether it has: objects are judged by what was told, and not before everything was.
struct Account: Sendable, Hashable {
    private enum Progress {
        /// Everything is to be told anew, and is not being told yet.
        case owed
        case begun
        /// Everything was told, and may not have arrived yet.
        case told
        case complete
    }

    private var progress = Progress.owed
    private var mark = AccountMark(number: 0)

    /// Whether everything was told and has arrived.
    var isComplete: Bool { progress == .complete }

    /// Begins to tell everything.
    mutating func begin() {
        void()
        progress = .begun
    }

    /// Something was lost: what was told is no account until everything is told anew.
    mutating func void() {
        mark = AccountMark(number: mark.number + 1)
        progress = .owed
    }

    /// Notes that everything was told; returns its mark, once.
    mutating func end() -> AccountMark? {
        guard progress == .begun else { return nil }
        progress = .told
        return mark
    }

    /// Notes that everything up to a mark has arrived; returns whether that makes the account complete.
    mutating func complete(_ mark: AccountMark) -> Bool {
        guard mark == self.mark, progress == .told else { return false }
        progress = .complete
        return true
    }
}
