/// A hash that is the same in every process (FNV-1a), for names that must not change.
enum StableHash {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    static func of(_ text: String) -> UInt64 { of(text.utf8) }
}
