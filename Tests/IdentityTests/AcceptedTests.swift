import Foundation
import Testing

@testable import Identity

@Suite struct AcceptedTests {
    @Test(arguments: TestKey.algorithms)
    func `a token with a right signature proves its subject`(algorithm: String) throws {
        let world = try VerifierWorld(algorithm)
        let token = try world.key.token(VerifierWorld.claims(["iss": #""https://login.example""#]))
        let caller = try world.verify(token).get()
        #expect(caller == VerifiedCaller(subject: "alice", issuer: "https://login.example"))
        #expect(world.verify(token).subject == "alice")
    }

    @Test(arguments: ["RS256", "RS512", "PS256"])
    func `an RSA key that leaves the algorithm open is used for each accepted one`(algorithm: String) throws {
        let key = try TestKey.rsa(algorithm, id: "open", jwkAlgorithm: nil)
        let world = try VerifierWorld(others: [key.jwk])
        #expect(world.verify(try key.token(VerifierWorld.claims())).subject == "alice")
    }

    @Test(arguments: ["Bearer", "bearer", "BEARER", "Bearer  "])
    func `the word before the token may be written in any case`(scheme: String) throws {
        let world = try VerifierWorld()
        let token = try world.key.token(VerifierWorld.claims())
        #expect(world.verifier.result("\(scheme) \(token)").subject == "alice")
    }

    @Test(arguments: [#""fleet""#, #"["fleet"]"#, #"["x","fleet"]"#])
    func `the audience may be one of several`(audience: String) throws {
        let world = try VerifierWorld(settings: TokenSettings(issuer: "login", audience: "fleet"))
        let token = try world.key.token(VerifierWorld.claims(["aud": audience, "iss": #""login""#]))
        #expect(world.verify(token) == .success(VerifiedCaller(subject: "alice", issuer: "login")))
    }

    @Test func `keys of other kinds and damaged ones are passed over`() throws {
        let others = [
            #"{"kty":"oct","kid":"shared","k":"c2VjcmV0","alg":"HS256"}"#,
            #"{"kty":"RSA","kid":"enc","use":"enc","alg":"RSA-OAEP-256","n":"AQAB","e":"AQAB"}"#,
            #"{"kty":"EC","crv":"secp256k1","kid":"coin","x":"AQ","y":"AQ"}"#,
            #"{"kty":"EC","crv":"P-256","kid":"off the curve","x":"AQ","y":"AQ"}"#,
            #"{"kty":"OKP","crv":"X25519","kid":"exchange","x":"AQ"}"#, #"{"kty":"EC","crv":"P-256"}"#, "7", "null",
        ]
        let world = try VerifierWorld(others: others)
        #expect(world.verify(try world.key.token(VerifierWorld.claims())).subject == "alice")
        let set = try KeySetDocument.read(Array(TestKey.keySet([world.key.jwk] + others).utf8))
        #expect(set.count == 1)
        #expect(set.passedOver.count == others.count)
    }

    @Test func `lanes may verify at the same time`() throws {
        let world = try VerifierWorld()
        let tokens = try (0..<20).map { try world.key.token(VerifierWorld.claims(["sub": #""user-\#($0)""#])) }
        let verifier = world.verifier
        DispatchQueue.concurrentPerform(iterations: 200) { index in
            #expect(verifier.result("Bearer \(tokens[index % 20])").subject == "user-\(index % 20)")
        }
    }
}
