internal import Crypto
import Synchronization

/// The tokens whose signatures were found right, by their digests: a signature costs more than all else together.
///
/// What is kept are the claims, which are judged anew for each request. Bounded: half of the entries are let go at once,
/// those that were not used for longest.
final class CallerCache: Sendable {
    private struct Entries {
        /// The key set that found the signatures right; another one empties the cache.
        var keySet: SHA256Digest?
        var young: [SHA256Digest: TokenClaims] = [:]
        var old: [SHA256Digest: TokenClaims] = [:]

        mutating func use(_ keySet: SHA256Digest) {
            guard self.keySet != keySet else { return }
            self = Entries(keySet: keySet)
        }

        mutating func insert(_ claims: TokenClaims, for token: SHA256Digest, half: Int) {
            if young.count >= half {
                old = young
                young = [:]
            }
            young[token] = claims
        }
    }

    private let half: Int
    private let entries = Mutex(Entries())

    init(capacity: Int) {
        half = max(1, capacity / 2)
    }

    /// How many tokens are remembered.
    var count: Int { entries.withLock { $0.young.count + $0.old.count } }

    /// The claims of a token whose signature that key set found right.
    func claims(of token: SHA256Digest, under keySet: SHA256Digest) -> TokenClaims? {
        entries.withLock { entries in
            guard entries.keySet == keySet else { return nil }
            if let claims = entries.young[token] { return claims }
            guard let claims = entries.old.removeValue(forKey: token) else { return nil }
            entries.insert(claims, for: token, half: half)
            return claims
        }
    }

    func remember(_ claims: TokenClaims, of token: SHA256Digest, under keySet: SHA256Digest) {
        entries.withLock { entries in
            entries.use(keySet)
            entries.insert(claims, for: token, half: half)
        }
    }
}
