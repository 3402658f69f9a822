internal import JSON

/// What a token claims, in the form in which it is judged; times are microseconds since 1970.
struct TokenClaims: Sendable, Equatable {
    /// More bytes are no name.
    static let longestName = 512

    let caller: VerifiedCaller
    let audiences: [String]
    let expires: Int64
    let notBefore: Int64?
    let issued: Int64?

    /// Reads the claims of a token.
    static func read(_ bytes: [UInt8], with parser: JSONParser) throws(TokenRefusal) -> TokenClaims {
        let result = try parser.object(bytes) { root -> Result<TokenClaims, TokenRefusal> in
            do throws(TokenRefusal) {
                return .success(try claims(of: root))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func claims(of root: JSONValue) throws(TokenRefusal) -> TokenClaims {
        guard let subject = try name("sub", of: root) else {
            throw TokenRefusal(.claimMissing, "The token has no claim 'sub'; it should say who the caller is.")
        }
        guard let expires = try time("exp", of: root) else {
            throw TokenRefusal(.claimMissing, "The token has no claim 'exp'; it should say when it runs out.")
        }
        return TokenClaims(
            caller: VerifiedCaller(subject: subject, issuer: try name("iss", of: root)),
            audiences: try audiences(of: root),
            expires: expires,
            notBefore: try time("nbf", of: root),
            issued: try time("iat", of: root)
        )
    }

    private static func name(_ claim: StaticString, of root: JSONValue) throws(TokenRefusal) -> String? {
        guard let value = root[claim] else { return nil }
        guard let text = value.string, isName(text) else {
            throw TokenRefusal(
                .claimInvalid,
                "The token's claim '\(claim)' should be a text of 1 to \(longestName) bytes without control characters."
            )
        }
        return text
    }

    private static func isName(_ text: String) -> Bool {
        (1...longestName).contains(text.utf8.count)
            && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    private static func audiences(of root: JSONValue) throws(TokenRefusal) -> [String] {
        guard let value = root["aud"] else { return [] }
        if let text = value.string { return [text] }
        var audiences: [String] = []
        value.forEachElement { element in
            if let text = element.string { audiences.append(text) }
        }
        guard value.isArray, audiences.count == value.count else {
            throw TokenRefusal(.claimInvalid, "The token's claim 'aud' should be a text or an array of texts.")
        }
        return audiences
    }

    /// A time, which JWT writes as seconds since 1970 with or without a fraction.
    private static func time(_ claim: StaticString, of root: JSONValue) throws(TokenRefusal) -> Int64? {
        guard let value = root[claim] else { return nil }
        // The last second of the year 9999: beyond it a number is surely not of seconds.
        let seconds = value.int.map(Double.init) ?? value.double
        guard let seconds, (0...253_402_300_799).contains(seconds) else {
            throw TokenRefusal(.claimInvalid, "The token's claim '\(claim)' should be a time in seconds since 1970.")
        }
        return Int64(seconds * 1_000_000)
    }
}
