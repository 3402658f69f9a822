/// What a sealed or encrypted value is for; it opens for nothing else.
///
/// So that who may write a request or a row cannot move a secret to a place where another person may read it. The parts
/// are told apart: `a/b` and `c` are not `a` and `b/c`.
public struct Binding: Sendable, Hashable {
    /// The parts, such as project, environment, the name of the secret and the name of its field.
    public let parts: [String]

    /// Makes a binding, such as `Binding("shop", "staging", "database", "password")`.
    public init(_ parts: String...) {
        self.parts = parts
    }

    /// Makes a binding of parts that are only known when the program runs.
    public init(parts: [String]) {
        self.parts = parts
    }

    /// The parts in UTF-8, each with its length before it (32 bits, big-endian).
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            let length = UInt32(part.utf8.count)
            for shift: UInt32 in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
            bytes.append(contentsOf: part.utf8)
        }
        return bytes
    }
}
