/// A hash that is the same in every process (FNV-1a), for what must not change: names, and shards of the outbox.
public struct StableHash {
    /// The hash of what was added.
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    /// The hash of nothing.
    public init() {}

    /// Adds bytes.
    public mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }

    /// The hash of bytes.
    public static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash = StableHash()
        hash.add(bytes)
        return hash.value
    }

    /// The hash of a text.
    public static func of(_ text: String) -> UInt64 { of(text.utf8) }
}
