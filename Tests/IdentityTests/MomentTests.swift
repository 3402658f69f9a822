import Testing

@testable import Identity

/// Tokens are judged at the moment the broker appended the request, whenever it is handled.
@Suite struct MomentTests {
    private static let second = VerifierWorld.second

    @Test func `a token that ran out while its request waited is accepted, one that was used after its end is not`()
        throws
    {
        let world = try VerifierWorld()
        let token = try world.key.token(VerifierWorld.claims())
        // All of this runs years after the token's end by this machine's clock.
        #expect(world.verify(token, after: 299).subject == "alice")
        #expect(world.verify(token, after: 400).code == "token_expired")
        #expect(world.verify(token, after: 299).subject == "alice")
    }

    /// Claims, the moment in seconds, the code; clocks may differ by 10 s and tokens may be an hour old.
    @Test(
        arguments: [
            ([:], -19, nil), ([:], -21, "token_not_yet_valid"), ([:], 309, nil), ([:], 310, "token_expired"),
            (["nbf": "\(second + 100)"], 90, nil), (["nbf": "\(second + 100)"], 89, "token_not_yet_valid"),
            (["exp": "\(second + 9_000)"], 3_600, nil), (["exp": "\(second + 9_000)"], 3_601, "token_too_old"),
            (["exp": "\(second).5"], 10, nil), (["exp": "\(second).5"], 11, "token_expired"),
            (["exp": "1.7638848e9"], 9, nil), (["exp": "0"], 0, "token_expired"),
        ] as [([String: String], Int64, String?)]
    )
    func `each time is judged with the tolerance`(others: [String: String], after: Int64, code: String?) throws {
        let world = try VerifierWorld(settings: TokenSettings(maximumAge: .seconds(3_600)))
        let token = try world.key.token(VerifierWorld.claims(others))
        for _ in 0..<2 { #expect(world.verify(token, after: after).code == code) }
    }

    @Test func `without an age a token need not say when it was issued`() throws {
        let world = try VerifierWorld(settings: TokenSettings(maximumAge: nil))
        let token = try world.key.token(VerifierWorld.claims(["exp": "9999999999"], without: ["iat"]))
        #expect(world.verify(token, after: 100_000_000).subject == "alice")
    }

    @Test(arguments: [Int64.min, -1, 0, .max])
    func `a request without a time proves nothing`(moment: Int64) throws {
        let world = try VerifierWorld(settings: TokenSettings(maximumAge: nil))
        let token = try world.key.token(VerifierWorld.claims(without: ["iat"]))
        let error = #expect(throws: TokenError.self) {
            try world.verifier.verify(authorization: "Bearer \(token)", at: moment)
        }
        #expect(error?.code == "token_no_time")
    }
}
