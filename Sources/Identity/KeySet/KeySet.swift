internal import Crypto
internal import JWTKit

/// The keys that tokens may be signed with, ready for use.
struct KeySet: Sendable {
    /// The digest of the document: the same document makes the same set.
    let identity: SHA256Digest
    /// By name and algorithm, so that a key is never used in another way than its owner meant.
    private let keys: [KeyName: any JWTAlgorithm]
    private let names: Set<String>
    /// Keys of the document that are not used, each with its reason in words.
    let passedOver: [String]

    struct KeyName: Hashable {
        let id: String
        let algorithm: TokenAlgorithm
    }

    /// No keys.
    static let empty = KeySet(identity: SHA256.hash(data: [UInt8]()), keys: [:], passedOver: [])

    init(identity: SHA256Digest, keys: [KeyName: any JWTAlgorithm], passedOver: [String]) {
        self.identity = identity
        self.keys = keys
        self.passedOver = passedOver
        names = Set(keys.keys.map(\.id))
    }

    /// How many keys there are.
    var count: Int { names.count }

    /// Whether there is a key of that name, for whatever algorithm.
    func has(_ keyID: String) -> Bool { names.contains(keyID) }

    /// Whether the token was signed with the key that its header names.
    func verify(_ token: TokenParts, _ header: TokenHeader) throws(TokenRefusal) {
        guard has(header.keyID) else {
            throw TokenRefusal(
                .unknownKey,
                "The token names a key that is not in the key set; it should be signed with one of its issuer's published keys."
            )
        }
        guard let key = keys[KeyName(id: header.keyID, algorithm: header.algorithm)] else {
            throw TokenRefusal(
                .algorithm,
                "The key that the token names is not for the algorithm that the token names."
            )
        }
        let isRight = (try? key.verify(token.signature, signs: token.signed)) ?? false
        guard isRight else {
            throw TokenRefusal(.signature, "The token's signature is not that of the key that it names.")
        }
    }
}
