internal import JSON

/// What a token says of its own signature.
struct TokenHeader: Equatable {
    let algorithm: TokenAlgorithm
    let keyID: String

    /// Reads the header and refuses what must not even be tried.
    static func read(_ bytes: [UInt8], with parser: JSONParser) throws(TokenRefusal) -> TokenHeader {
        let result = try parser.object(bytes) { root -> Result<TokenHeader, TokenRefusal> in
            guard let algorithm = root["alg"]?.string.flatMap(TokenAlgorithm.init) else {
                return .failure(unacceptable)
            }
            guard root["crit"] == nil else {
                return .failure(
                    TokenRefusal(.malformed, "The token needs extensions of JWT (crit); none are understood here.")
                )
            }
            guard let keyID = root["kid"]?.string, !keyID.isEmpty else {
                return .failure(
                    TokenRefusal(.keyNotNamed, "The token does not name its key; its header should have a 'kid'.")
                )
            }
            return .success(TokenHeader(algorithm: algorithm, keyID: keyID))
        }
        return try result.get()
    }

    private static var unacceptable: TokenRefusal {
        let names = TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
        return TokenRefusal(
            .algorithm,
            "The token is not signed with an algorithm that is accepted; it should be one of \(names)."
        )
    }
}

extension JSONParser {
    /// Reads a part of a token: an object in which no name stands twice.
    func object<R>(_ bytes: [UInt8], _ body: (JSONValue) -> R) throws(TokenRefusal) -> R {
        do {
            try validate(bytes)
            let result = try withDocument(bytes) { root in root.isObject ? body(root) : nil }
            if let result { return result }
        } catch {
            throw BearerToken.malformed
        }
        throw BearerToken.malformed
    }
}
