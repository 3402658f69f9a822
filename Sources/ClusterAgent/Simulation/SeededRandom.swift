/// Random numbers that repeat with their seed (SplitMix64), for simulations and tests only.
public struct SeededRandom: RandomNumberGenerator, Sendable, Hashable {
    private var state: UInt64

    /// Starts a sequence.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// A text in the form of a version 4 UUID.
    public mutating func uuid() -> String {
        let hex = [next(), next()].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }
        let (high, low) = (Array(hex[0]), Array(hex[1]))
        let variant = "89ab".randomElement(using: &self) ?? "8"
        return String(high[0..<8]) + "-" + String(high[8..<12]) + "-4" + String(high[13..<16]) + "-\(variant)"
            + String(low[1..<4]) + "-" + String(low[4..<16])
    }

    /// Letters and digits as Kubernetes puts them behind generated names: no vowels, so that no words arise.
    public mutating func suffix(_ count: Int) -> String {
        let letters = Array("bcdfghjklmnpqrstvwxz2456789")
        return String((0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &self)] })
    }

    /// Whether something that happens in that share of cases happens now.
    public mutating func happens(percent: Double) -> Bool {
        percent > 0 && Double.random(in: 0..<100, using: &self) < percent
    }
}
