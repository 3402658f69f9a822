import ClusterAgent
import Foundation

/// Makes hostile inputs out of good ones; a seed gives the same again.
struct Fuzzer: RandomNumberGenerator {
    private var numbers: SeededRandom

    init(seed: UInt64) { numbers = SeededRandom(seed: seed) }

    mutating func next() -> UInt64 { numbers.next() }

    /// What decoders of JSON, YAML, URLs and numbers trip over.
    private static let tokens: [[UInt8]] =
        [
            #"\u0000"#, #"\ud800"#, #"\udc00"#, "null", "true", "{}", "[]", "-0", "1e999", "1E-400", "0x10", "1.0",
            "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "\"", "\\",
            "{", "[", "}", "]", ":", ",", "&a [*a,*a]", "*a", "!!binary x", "<<: *a", "---\n", "\n", "\t", "%00", "%zz",
            "-9223372036854775808", "2147483648", "4294967295", "../", "//", "@", "?", "#", "sha256:", "v", "^", ">=",
            "||", "\u{0}", "\u{FEFF}", "\u{202E}", "é", "𝄞",
        ].map { Array($0.utf8) } + [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], Array(repeating: 0x5B, count: 70),
            Array(repeating: 0x7B, count: 1_100), Array(repeating: 0x61, count: 2_000),
            Array(repeating: 0x39, count: 400),
        ]

    /// One to six changes of an input, or of two of them cut together.
    mutating func mutate(_ input: [UInt8], among corpus: [[UInt8]]) -> [UInt8] {
        var bytes = input
        for _ in 0..<Int.random(in: 1...6, using: &self) { change(&bytes, corpus) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ corpus: [[UInt8]]) {
        let place = Int.random(in: 0...bytes.count, using: &self)
        let end = min(bytes.count, place + Int.random(in: 0...24, using: &self))
        switch Int.random(in: 0..<8, using: &self) {
        case 0 where !bytes.isEmpty: bytes[min(place, bytes.count - 1)] ^= 1 << UInt8.random(in: 0..<8, using: &self)
        case 1 where !bytes.isEmpty: bytes[min(place, bytes.count - 1)] = UInt8.random(in: 0...255, using: &self)
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: end)
        case 4: bytes.replaceSubrange(place..<end, with: Self.tokens.randomElement(using: &self) ?? [])
        case 5: bytes.insert(contentsOf: Self.tokens.randomElement(using: &self) ?? [], at: place)
        case 6:
            let other = corpus.randomElement(using: &self) ?? []
            bytes = Array(bytes[..<place]) + other.suffix(Int.random(in: 0...max(other.count, 1), using: &self))
        default: bytes.removeLast(Int.random(in: 0...min(bytes.count, 40), using: &self))
        }
    }
}

/// Feeds a decoder with hostile inputs: a few thousand in a usual run, or for SLIPWAY_FUZZ_SECONDS.
///
/// What is read when the process ends is in the file that `noted` names, and the seed is SLIPWAY_FUZZ_SEED.
enum Fuzzing {
    private static let environment = ProcessInfo.processInfo.environment
    static let seconds = environment["SLIPWAY_FUZZ_SECONDS"].flatMap { Double($0) }
    static let seed = environment["SLIPWAY_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
    private static let usual = 2_000

    static func noted(_ name: String) -> String { NSTemporaryDirectory() + "slipway-fuzz-\(name)-\(getpid())" }

    static func run(_ target: FuzzTarget) throws {
        let began = ContinuousClock.now
        let (corpus, read) = (try target.corpus(), try target.reader())
        var fuzzer = Fuzzer(seed: seed)
        let path = noted(target.name)
        guard let file = fopen(path, "w") else { throw CocoaError(.fileWriteUnknown) }
        defer { fclose(file) }
        var count = 0
        while seconds.map({ ContinuousClock.now - began < .seconds($0) || count < corpus.count }) ?? (count < usual) {
            let input =
                count < corpus.count
                ? corpus[count] : fuzzer.mutate(corpus.randomElement(using: &fuzzer) ?? [], among: corpus)
            rewind(file)
            ftruncate(fileno(file), 0)
            input.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
            fflush(file)
            try read(input)
            count += 1
        }
        if seconds != nil { print("\(target): \(count) inputs in \(ContinuousClock.now - began)") }
        try FileManager.default.removeItem(atPath: path)
    }
}
