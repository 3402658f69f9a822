/// How far the numbered stream of one cluster and namespace was followed.
struct StreamState: Sendable, Equatable {
    /// The newest message that was followed; epoch 0 before the first.
    var position = StreamPosition(epoch: 0, sequence: 0)
    /// How often numbers were missing.
    var gaps: Int64 = 0
    /// The first message after the newest gap of the epoch: from it on nothing is missing.
    var unbrokenSince: Int64 = 1
    /// Whether a snapshot was asked for and has not come yet.
    var isSnapshotWanted = false
    /// The highest revision of an object whose row is forgotten: what is seen again begins behind it.
    var forgottenRevision: Int64 = 0

    /// What following a message came to.
    enum Step: Sendable, Equatable {
        /// The next number.
        case next
        /// Numbers are missing before it.
        case gap
        /// It was followed before.
        case repeated
    }

    /// Follows a message.
    ///
    /// A gap wants a snapshot; an epoch begins at 1, so a later beginning is a gap too.
    mutating func follow(_ next: StreamPosition) -> Step {
        guard next > position else { return .repeated }
        let isNewEpoch = next.epoch > position.epoch
        let expected = isNewEpoch ? 1 : position.sequence + 1
        position = next
        if isNewEpoch { unbrokenSince = 1 }
        guard next.sequence > expected else { return .next }
        gaps += 1
        unbrokenSince = next.sequence
        isSnapshotWanted = true
        return .gap
    }

    /// Judges a snapshot that has just ended: only one without a gap since its beginning may remove objects.
    ///
    /// A whole one is what was asked for. A broken one asks for no other: the gap in it did so already.
    mutating func accept(_ snapshot: SnapshotEnded) -> Bool {
        let isWhole = snapshot.began >= unbrokenSince && snapshot.began <= position.sequence
        if isWhole { isSnapshotWanted = false }
        return isWhole
    }

    /// Notes that the message just followed could not be read, so that a snapshot around it removes nothing.
    ///
    /// Asks for no snapshot: it would hold the same message again.
    mutating func skipUnreadable() {
        unbrokenSince = position.sequence + 1
    }
}
