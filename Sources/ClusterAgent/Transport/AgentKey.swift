public import Domain

/// The key that a cluster and the fleet share, as `slipway cluster-key` prints it: `<base64>` or `<number>:<base64>`.
public struct AgentKey: Sendable {
    /// The key.
    public let key: SigningKey
    /// Its number; 1 where the text has none.
    public let keyID: Int32

    /// Reads a key; `nil` where the text is not 32 bytes of base64.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard let last = parts.last, let key = SigningKey(base64: last) else { return nil }
        guard let keyID = parts.count == 2 ? Int32(parts[0]) : 1, keyID > 0 else { return nil }
        self.key = key
        self.keyID = keyID
    }
}
