/// Who sent a request, as a token proved it: all that is kept of the token.
public struct VerifiedCaller: Sendable, Hashable {
    /// Who: the claim `sub`.
    public let subject: String
    /// Who says so: the claim `iss`, where the token has one.
    public let issuer: String?

    /// Makes a caller, for tests and for callers that were proved otherwise.
    public init(subject: String, issuer: String? = nil) {
        self.subject = subject
        self.issuer = issuer
    }
}
