/// A type of one of Slipway's own events: `slipway.<concept>.<verb>.v<version>`.
public struct EventType: Sendable, Hashable {
    /// Everything before the version, such as `slipway.instance.deploy`.
    public let name: String
    /// The version, from 1.
    public let version: Int

    /// Takes a type apart; `nil` where it does not end in a version.
    public init?(_ text: String) {
        guard let dot = text.lastIndex(of: "."), text[text.index(after: dot)...].first == "v",
            let version = Int(text[text.index(dot, offsetBy: 2)...]), version > 0
        else { return nil }
        name = String(text[..<dot])
        self.version = version
    }
}
