/// What reads a key set from where it is kept.
protocol KeySetOrigin: Sendable {
    /// How often it is looked at.
    var pace: KeySetPace { get }
    /// Reads the document, unless it is known to be the one that was read at that stamp.
    func read(unless stamp: KeySetStamp?) throws(IdentityError) -> KeySetReading
}

/// How often a key set is looked at.
struct KeySetPace: Sendable {
    /// After how long it is looked at without need: so long may a withdrawn key be accepted.
    var renewal: Duration
    /// How long after a look no other one is made for a key that is missing.
    var missingKey: Duration
    /// How long after a look that failed no other one is made.
    var retry: Duration
    /// Whether nobody waits for a renewal, because it may take long.
    var renewsAside: Bool
}

/// What came of looking at a key set.
enum KeySetReading: Sendable {
    /// It is the one that was read before.
    case unchanged
    /// Its bytes, and what tells whether it changes after this; `nil` if that cannot be told.
    case document([UInt8], KeySetStamp?)
}

/// What tells two states of a file apart without reading it.
struct KeySetStamp: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64
    let size: Int64
    let seconds: Int64
    let nanoseconds: Int64
}
