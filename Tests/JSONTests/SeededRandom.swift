/// Random documents that come out the same for the same seed.
struct SeededRandom {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    /// A number below a bound (SplitMix64).
    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((word ^ (word >> 31)) % UInt64(bound))
    }

    mutating func document(depth: Int) -> String {
        switch next(depth > 0 ? 9 : 6) {
        case 0: "null"
        case 1: next(2) == 0 ? "true" : "false"
        case 2: String(next(2_000_000) - 1_000_000)
        case 3: number()
        case 4, 5: string()
        case 6, 7: object(depth: depth)
        default: "[" + (0..<next(5)).map { _ in space() + document(depth: depth - 1) }.joined(separator: ",") + "]"
        }
    }

    /// Changes one byte, or takes one out, or puts one in.
    mutating func damage(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let place = next(bytes.count)
        let likely = Array("{}[]\",:\\u0d8e-+. \u{80}\u{0}".utf8)
        let byte = next(4) == 0 ? UInt8(next(256)) : likely[next(likely.count)]
        switch next(3) {
        case 0: bytes[place] = byte
        case 1: bytes.remove(at: place)
        default: bytes.insert(byte, at: place)
        }
    }

    private mutating func object(depth: Int) -> String {
        let members = (0..<next(5)).map { index in
            "\"k\(index)" + characters() + "\"" + space() + ":" + space() + document(depth: depth - 1)
        }
        return "{" + members.joined(separator: "," + space()) + "}"
    }

    private mutating func number() -> String {
        let sign = next(2) == 0 ? "-" : ""
        let fraction = next(2) == 0 ? ".\(next(100_000))" : ""
        let exponent = ["", "e", "E+", "e-"][next(4)]
        let whole = next(10) == 0 ? String(repeating: "9", count: 1 + next(18)) : String(next(100_000))
        return sign + whole + fraction + (exponent.isEmpty ? "" : exponent + String(next(30)))
    }

    private mutating func string() -> String { "\"" + characters() + "\"" }

    private mutating func characters() -> String {
        let pieces = [
            "a", "Z", "0", " ", "é", "漢", "🚀", "\\n", "\\\"", "\\\\", "\\/", "\\b", "\\u0041", "\\u00e9",
            "\\ud83d\\ude80",
            "\\u2028", "{", "]", ":",
        ]
        return (0..<next(12)).map { _ in pieces[next(pieces.count)] }.joined()
    }

    private mutating func space() -> String { ["", "", " ", "\n", "\t \r\n"][next(5)] }
}
