internal import Base64URL
internal import Crypto

/// A token as a request carries it, not yet believed; never printed.
struct BearerToken: CustomStringConvertible, CustomReflectable {
    /// Longer tokens are refused unread.
    static let longest = 16 << 10

    /// Tells tokens apart without keeping them.
    let digest: SHA256Digest
    private let text: ArraySlice<UInt8>

    var description: String { "a token" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// Finds the token in the value of the header `authorization`.
    static func read(_ authorization: String?) throws(TokenRefusal) -> BearerToken {
        guard let authorization, !authorization.isEmpty else {
            throw TokenRefusal(.missing, "The header 'authorization' is missing; it should be 'Bearer <JWT>'.")
        }
        guard authorization.utf8.count <= longest else {
            throw TokenRefusal(.tooLarge, "The header 'authorization' has more than the \(longest) bytes it may have.")
        }
        let text = try bearer(Array(authorization.utf8))
        return BearerToken(digest: text.withUnsafeBytes { SHA256.hash(data: $0) }, text: text)
    }

    /// Takes the token apart.
    func parts() throws(TokenRefusal) -> TokenParts {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty, let header = Base64URL.decode(parts[0]),
            let payload = Base64URL.decode(parts[1]), let signature = Base64URL.decode(parts[2])
        else { throw Self.malformed }
        return TokenParts(
            signed: text[text.startIndex..<parts[1].endIndex],
            header: header,
            payload: payload,
            signature: signature
        )
    }

    static var malformed: TokenRefusal {
        TokenRefusal(
            .malformed,
            "The token in the header 'authorization' is not a JWT; "
                + "it should be three parts in base64url without padding, with dots between them, of which two are JSON."
        )
    }

    /// What stands after the word `Bearer`, whose case does not matter.
    private static func bearer(_ bytes: [UInt8]) throws(TokenRefusal) -> ArraySlice<UInt8> {
        let scheme = bytes.prefix { $0 != UInt8(ascii: " ") }
        let token = bytes.dropFirst(scheme.count).drop { $0 == UInt8(ascii: " ") }
        guard scheme.count == 6, zip(scheme, "bearer".utf8).allSatisfy({ $0 | 0x20 == $1 }), !token.isEmpty else {
            throw TokenRefusal(
                .notBearer,
                "The header 'authorization' is of another form; it should be 'Bearer <JWT>'."
            )
        }
        return token
    }
}

/// A token taken apart, not yet believed; never printed.
struct TokenParts: CustomStringConvertible, CustomReflectable {
    /// What the signature covers: the first two parts as they were written.
    let signed: ArraySlice<UInt8>
    /// The bytes of the token's header: JSON.
    let header: [UInt8]
    /// The bytes of its claims: JSON.
    let payload: [UInt8]
    /// The bytes of its signature; none where it is not signed.
    let signature: [UInt8]

    var description: String { "a token" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
