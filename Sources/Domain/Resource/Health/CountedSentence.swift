/// A sentence with two small numbers, of which rollouts repeat the same few again and again: those are made once.
struct CountedSentence: Sendable {
    private static let small: Int64 = 24
    private let make: @Sendable (Int64, Int64) -> String
    private let made: [String]

    init(_ make: @escaping @Sendable (Int64, Int64) -> String) {
        self.make = make
        made = (0..<Self.small).flatMap { first in (0..<Self.small).map { make(first, $0) } }
    }

    /// The sentence with these numbers.
    subscript(first: Int64, second: Int64) -> String {
        guard (0..<Self.small).contains(first), (0..<Self.small).contains(second) else { return make(first, second) }
        return made[Int(first * Self.small + second)]
    }
}
