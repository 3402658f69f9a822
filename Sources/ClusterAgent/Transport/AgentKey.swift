public import Domain

/// The key that a cluster and the fleet share, as `slipway cluster-key` prints it: `<base64>` or `<number>:<base64>`.
///
/// While keys are rotated there may be more, separated by commas: the first one signs, and commands that are signed with
/// any of them are followed.
public struct AgentKey: Sendable {
    /// The key.
    public let key: SigningKey
    /// Its number; 1 where the text has none.
    public let keyID: Int32
    /// The other keys by their numbers.
    public let former: [Int32: SigningKey]

    /// Reads a key or several; `nil` where one of them is not 32 bytes of base64 or a number is there twice.
    public init?(_ text: String) {
        var keys: [(number: Int32, key: SigningKey)] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let key = Self.read(String(part)), !keys.contains(where: { $0.number == key.number }) else {
                return nil
            }
            keys.append(key)
        }
        guard let first = keys.first else { return nil }
        key = first.key
        keyID = first.number
        former = Dictionary(uniqueKeysWithValues: keys.dropFirst().map { ($0.number, $0.key) })
    }

    private static func read(_ text: String) -> (number: Int32, key: SigningKey)? {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard let last = parts.last, let key = SigningKey(base64: last) else { return nil }
        guard let number = parts.count == 2 ? Int32(parts[0]) : 1, number > 0 else { return nil }
        return (number, key)
    }
}
