extension TokenSettings {
    /// Whether a token proved its caller at a moment.
    ///
    /// - Parameter moment: When the broker appended the request, in microseconds since 1970.
    func judge(_ claims: TokenClaims, at moment: Int64) throws(TokenRefusal) {
        try judgeNames(claims)
        // Such a moment is the mark of a message without a timestamp: then every token would be valid for ever.
        guard (1...253_402_300_799_000_000).contains(moment) else {
            throw TokenRefusal(.noTime, "It is not known when the request came; its message should have a timestamp.")
        }
        let tolerance = tolerance.microseconds
        guard moment < claims.expires + tolerance else {
            throw TokenRefusal(
                .expired,
                "The token had expired \(Self.words(moment - claims.expires)) before the request was appended; get a new one."
            )
        }
        if let start = claims.notBefore, start - tolerance > moment {
            throw TokenRefusal(
                .notYetValid,
                "The token was to become valid \(Self.words(start - moment)) after the request was appended; check the clocks."
            )
        }
        try judgeAge(claims, at: moment, tolerance: tolerance)
    }

    private func judgeNames(_ claims: TokenClaims) throws(TokenRefusal) {
        if let issuer, claims.caller.issuer != issuer {
            throw TokenRefusal(.issuer, "The token is of another issuer; its claim 'iss' should be '\(issuer)'.")
        }
        if let audience, !claims.audiences.contains(audience) {
            throw TokenRefusal(.audience, "The token is meant for others; its claim 'aud' should name '\(audience)'.")
        }
    }

    private func judgeAge(_ claims: TokenClaims, at moment: Int64, tolerance: Int64) throws(TokenRefusal) {
        guard let issued = claims.issued else {
            guard maximumAge == nil else {
                throw TokenRefusal(.claimMissing, "The token has no claim 'iat'; it should say when it was issued.")
            }
            return
        }
        guard issued - tolerance <= moment else {
            throw TokenRefusal(
                .notYetValid,
                "The token was issued \(Self.words(issued - moment)) after the request was appended; check the clocks."
            )
        }
        if let maximumAge, moment - issued > maximumAge.microseconds + tolerance {
            throw TokenRefusal(
                .tooOld,
                "The token was issued \(Self.words(moment - issued)) before the request was appended; "
                    + "at most \(Self.words(maximumAge.microseconds)) are accepted: get a new one."
            )
        }
    }

    private static func words(_ microseconds: Int64) -> String {
        "\(max(1, microseconds / 1_000_000)) s"
    }
}

extension Duration {
    /// Whole microseconds, at most a century of them.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(0, min(seconds, 3_155_760_000)) * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
