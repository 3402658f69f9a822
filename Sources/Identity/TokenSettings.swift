/// What tokens must say and how old they may be.
public struct TokenSettings: Sendable, Hashable {
    /// The claim `iss` that a token must have; `nil` accepts every issuer whose key is in the key set.
    public var issuer: String?
    /// The audience that a token's claim `aud` must name; `nil` accepts every audience.
    public var audience: String?
    /// How long before the request a token may have been issued; `nil` for any age.
    ///
    /// Where this is set a token must say when it was issued (`iat`).
    public var maximumAge: Duration?
    /// How far the clocks of issuer and broker may differ.
    public var tolerance: Duration
    /// How many verified tokens are remembered.
    public var remembered: Int

    /// Makes settings: by default tokens may be a day old and clocks differ by ten seconds.
    public init(
        issuer: String? = nil,
        audience: String? = nil,
        maximumAge: Duration? = .seconds(86_400),
        tolerance: Duration = .seconds(10),
        remembered: Int = 10_000
    ) {
        self.issuer = issuer
        self.audience = audience
        self.maximumAge = maximumAge
        self.tolerance = tolerance
        self.remembered = remembered
    }
}
