internal import JSON
public import Logging

/// Finds out who sent a request, from the token in its header `authorization`.
///
/// Synchronous and safe to share between lanes. A signature that was found right is remembered by the token's digest; the
/// claims are judged anew each time. A lane may wait up to five seconds for a key set at an address: never call this on
/// the cooperative pool. No part of it waits for that pool.
public final class TokenVerifier: Sendable {
    private let settings: TokenSettings
    private let keeper: KeySetKeeper
    private let cache: CallerCache

    /// Makes a verifier; a file is read at once, an address is asked when the first token comes.
    ///
    /// - Parameter microseconds: The time of day, since 1970, with which requests are compared; the machine's where `nil`.
    /// - Throws: ``IdentityError`` for a file that is no key set, and for an address that is none or is not safe.
    public convenience init(
        _ source: KeySetSource,
        settings: TokenSettings = TokenSettings(),
        logger: Logger,
        microseconds: (@Sendable () -> Int64)? = nil
    ) throws(IdentityError) {
        let origin = try source.makeOrigin()
        let keeper = KeySetKeeper(origin, logger: logger, microseconds: microseconds ?? KeySetKeeper.wallTime)
        if case .file = source { try keeper.load() }
        self.init(keeper, settings: settings)
    }

    init(_ keeper: KeySetKeeper, settings: TokenSettings) {
        self.keeper = keeper
        self.settings = settings
        cache = CallerCache(capacity: settings.remembered)
    }

    /// Who sent the request.
    ///
    /// - Parameters:
    ///   - authorization: The value of the request's header `authorization`; `nil` where it has none.
    ///   - microseconds: When the broker appended the request, in microseconds since 1970: only a time that the sender
    ///     cannot choose proves that a token was not used after its end.
    ///   - seen: When a worker had it in hand at the latest, where it waited: one look at the key set after that
    ///     decides it, however the broker's clock goes. `nil` for a request that comes from the broker just now.
    /// - Throws: ``TokenError/refused(_:)`` where the token proves nothing, and ``TokenError/unavailable(_:)``, to be
    ///   tried again, where its key cannot be looked up now, or the key set was not read since the request came.
    public func verify(
        authorization: String?,
        at microseconds: Int64,
        seen: Int64? = nil
    ) throws(TokenError) -> VerifiedCaller {
        let token = try refusing { () throws(TokenRefusal) in try BearerToken.read(authorization) }
        // No request comes later than a year of four digits ends.
        let latest = min(microseconds, 253_402_300_799_000_000) + settings.tolerance.microseconds
        let claims = try signedClaims(of: token, cameBy: min(latest, seen ?? latest))
        try refusing { () throws(TokenRefusal) in try settings.judge(claims, at: microseconds) }
        return claims.caller
    }

    /// The claims of a token whose signature is right.
    private func signedClaims(of token: BearerToken, cameBy moment: Int64) throws(TokenError) -> TokenClaims {
        let keys = keeper.keys()
        if let claims = cache.claims(of: token.digest, under: keys.identity) { return claims }
        let parser = JSONParser(maximumDepth: 32, maximumBytes: BearerToken.longest)
        let parts = try refusing { () throws(TokenRefusal) in try token.parts() }
        let header = try refusing { () throws(TokenRefusal) in try TokenHeader.read(parts.header, with: parser) }
        let current = try self.keys(with: header.keyID, readSince: moment)
        let claims = try refusing { () throws(TokenRefusal) in
            try current.verify(parts, header)
            return try TokenClaims.read(parts.payload, with: parser)
        }
        cache.remember(claims, of: token.digest, under: current.identity)
        return claims
    }

    private func keys(with keyID: String, readSince moment: Int64) throws(TokenError) -> KeySet {
        do throws(IdentityError) {
            return try keeper.keys(with: keyID, readSince: moment)
        } catch {
            throw .unavailable(error)
        }
    }

    private func refusing<R>(_ body: () throws(TokenRefusal) -> R) throws(TokenError) -> R {
        do throws(TokenRefusal) {
            return try body()
        } catch {
            throw .refused(error)
        }
    }
}
