internal import JSON

/// Whom a token names, for those who hold it: nothing of it is checked.
public enum TokenSubject {
    /// The claim `sub`; `nil` where the text is no token that names somebody.
    public static func claimed(by token: String) -> String? {
        let parser = JSONParser(maximumDepth: 32, maximumBytes: BearerToken.longest)
        let parts = try? BearerToken.read("Bearer \(token)").parts()
        return parts.flatMap { try? TokenClaims.read($0.payload, with: parser) }?.caller.subject
    }
}
