/// Why a token does not prove who the caller is; never holds a part of the token.
public struct TokenRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of refusal; the raw value is the stable code that reasons carry.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The header is missing.
        case missing = "token_missing"
        /// The header holds something other than `Bearer <JWT>`.
        case notBearer = "token_not_bearer"
        /// The token has too many bytes.
        case tooLarge = "token_too_large"
        /// The token is not a JWT.
        case malformed = "token_malformed"
        /// The token is not signed, or not with an algorithm that is accepted.
        case algorithm = "token_algorithm"
        /// The token does not name its key.
        case keyNotNamed = "token_key_not_named"
        /// The key set does not hold the key that the token names.
        case unknownKey = "token_unknown_key"
        /// The signature is not that of the named key.
        case signature = "token_signature"
        /// A claim that is needed is absent.
        case claimMissing = "token_claim_missing"
        /// A claim does not have the form that it should have.
        case claimInvalid = "token_claim_invalid"
        /// The token had run out when the request came.
        case expired = "token_expired"
        /// The token was not valid yet when the request came.
        case notYetValid = "token_not_yet_valid"
        /// The token had been issued too long before the request came.
        case tooOld = "token_too_old"
        /// Another issuer made the token.
        case issuer = "token_issuer"
        /// The token is meant for others.
        case audience = "token_audience"
        /// It is not known when the request came.
        case noTime = "token_no_time"
    }

    /// The Kafka header that is at fault.
    public static let field = "authorization"

    /// The kind of refusal.
    public let code: Code
    /// One sentence: what is wrong, what would be right.
    public let sentence: String

    init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    /// The code and the sentence.
    public var description: String { "\(code.rawValue): \(sentence)" }
}

/// Why a caller is not verified.
public enum TokenError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The token proves nothing, and never will: refuse the request.
    case refused(TokenRefusal)
    /// The key that is needed cannot be looked up now: try the same request again later.
    case unavailable(IdentityError)

    /// The stable code that reasons carry.
    public var code: String {
        switch self {
        case .refused(let refusal): refusal.code.rawValue
        case .unavailable(let error): error.code.rawValue
        }
    }

    /// One sentence: what is wrong, what would be right.
    public var sentence: String {
        switch self {
        case .refused(let refusal): refusal.sentence
        case .unavailable(let error): error.sentence
        }
    }

    /// The code and the sentence.
    public var description: String { "\(code): \(sentence)" }
}
