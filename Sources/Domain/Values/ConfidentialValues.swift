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
        guard text.contains("://") else { return false }
        return text.split(whereSeparator: \.isWhitespace).contains { holdsPassword($0) }
    }

    /// Whether addresses that no space parts have a password, before a host or among the parameters.
    private static func holdsPassword(_ word: Substring) -> Bool {
        guard word.contains("://") else { return false }
        var rest = word
        while let scheme = rest.firstRange(of: "://") {
            rest = rest[scheme.upperBound...]
            let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            if let at = authority.lastIndex(of: "@"), authority[..<at].contains(":") { return true }
        }
        return word.split { "?&;".contains($0) }.dropFirst().contains { parameter in
            guard let equals = parameter.firstIndex(of: "=") else { return false }
            return isConfidential(name: String(parameter[..<equals]))
        }
    }

    /// Whether a text sets something confidential: a line of a configuration, an argument, a parameter of a connection.
    ///
    /// `password=…`, `password = …`, `password: …` and `"password":"…"` do; an image with its tag does not.
    static func setsConfidential(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).contains { line in
            var rest = line
            while let mark = rest.firstIndex(where: { $0 == "=" || $0 == ":" }) {
                let behind = rest[rest.index(after: mark)...]
                if sets(rest[..<mark], rest[mark], behind) { return true }
                rest = behind
            }
            return false
        }
    }

    /// Whether what stands before a mark is a confidential name, and what is behind it a value.
    private static func sets(_ before: Substring, _ mark: Character, _ behind: Substring) -> Bool {
        let isQuoted = before.last == "\"" || before.last == "'"
        guard mark == "=" || isQuoted || behind.first?.isWhitespace == true else { return false }
        // Two signs of equality compare.
        guard let first = behind.first(where: { !$0.isWhitespace }), first != "=", first != "~" else { return false }
        guard let end = before.lastIndex(where: { !$0.isWhitespace && $0 != "\"" && $0 != "'" }) else { return false }
        let named = before[...end]
        let start = named.lastIndex { $0.isWhitespace || "\"'&?;,{(".contains($0) }
        return isConfidential(name: String(start.map { named[named.index(after: $0)...] } ?? named))
    }
}
