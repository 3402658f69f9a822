/// Which values are nobody's business, by what they are called and look like; better one too many than one too few.
struct ConfidentialValues: Sendable, Hashable {
    /// Paths, as ``ValuesPath`` writes them, that are confidential with all that stands under them.
    var paths: Set<String> = []

    /// What is shown in the place of a value.
    static let placeholder = "(confidential)"

    private static let words = [
        "pass", "pwd", "secret", "token", "key", "credential", "private", "dsn",
        "connectionstring", "authorization", "basicauth",
    ]

    /// Whether what is called so is confidential, with all that stands under it.
    func isConfidential(name: String, at path: ValuesPath) -> Bool {
        paths.contains(path.text) || Self.isConfidential(name: name)
    }

    /// Whether a name speaks of something confidential, however it is written: `api_key`, `apiKey`, `API-KEY`.
    static func isConfidential(name: String) -> Bool {
        let plain = name.lowercased().filter { $0 != "-" && $0 != "_" && $0 != "." }
        return words.contains { plain.contains($0) }
    }

    /// Whether a text holds a private key, or an address with a password in it.
    static func isConfidential(text: String) -> Bool {
        if text.contains("PRIVATE KEY-----") { return true }
        guard let scheme = text.firstRange(of: "://") else { return false }
        let authority = text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" && !$0.isWhitespace }
        guard let at = authority.lastIndex(of: "@") else { return false }
        return authority[..<at].contains(":")
    }
}
