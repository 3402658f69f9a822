import Base64URL
import Crypto
import Foundation
import Testing

@testable import Identity

/// Each refusal has its code, and none repeats anything of the token.
@Suite struct RefusalTests {
    let world: VerifierWorld

    init() throws {
        world = try VerifierWorld(settings: TokenSettings(issuer: "login", audience: "fleet"))
    }

    private static let names = ["iss": #""login""#, "aud": #""fleet""#]

    private func claims(_ others: [String: String] = [:], without: Set<String> = []) -> String {
        VerifierWorld.claims(Self.names.merging(others) { $1 }, without: without)
    }

    private func expect(_ token: String, _ code: TokenRefusal.Code, after seconds: Int64 = 0) {
        let result = world.verify(token, after: seconds)
        #expect(result.code == code.rawValue)
        guard case .failure(let error) = result else { return }
        var texts = "\(error) \(String(reflecting: error)) \(error.sentence)"
        dump(error, to: &texts)
        for part in token.split(separator: ".") where part.count > 8 { #expect(!texts.contains(part)) }
        #expect(!texts.contains("alice"))
        #expect(!texts.contains(world.key.id))
    }

    @Test func `the token of these tests is accepted where nothing is wrong`() throws {
        #expect(world.verify(try world.key.token(claims())).subject == "alice")
    }

    @Test(arguments: [
        (nil, TokenRefusal.Code.missing), ("", .missing), ("Basic YWxpY2U6aHVudGVyMg", .notBearer),
        ("Bearer", .notBearer),
        ("Bearer ", .notBearer), ("Bearerx y", .notBearer), ("eyJhbGciOiJ9", .notBearer), ("Bearer alice", .malformed),
        ("Bearer a.b", .malformed), ("Bearer a.b.c.d", .malformed), ("Bearer ..", .malformed),
        ("Bearer !.!.!", .malformed),
        ("Bearer eyJ9.eyJ9.", .malformed), ("Bearer " + String(repeating: "a", count: 17_000), .tooLarge),
    ])
    func `what is no token is refused`(header: String?, code: TokenRefusal.Code) {
        let result = world.verifier.result(header)
        #expect(result.code == code.rawValue)
        guard case .failure(let error) = result, let word = header?.split(separator: " ").last, word.count > 8 else {
            return
        }
        #expect(!"\(error)".contains(word))
    }

    @Test(arguments: [
        (#"{"alg":"none","kid":"key-1"}"#, TokenRefusal.Code.algorithm), (#"{"alg":"None","kid":"key-1"}"#, .algorithm),
        (#"{"alg":"HS256","kid":"key-1"}"#, .algorithm), (#"{"alg":"ES256K","kid":"key-1"}"#, .algorithm),
        (#"{"alg":"PS512","kid":"key-1"}"#, .algorithm), (#"{"kid":"key-1"}"#, .algorithm), ("{}", .algorithm),
        (#"{"alg":"ES384","kid":"key-1"}"#, .algorithm), (#"{"alg":"RS256","kid":"key-1"}"#, .algorithm),
        (#"{"alg":["ES256"],"kid":"key-1"}"#, .algorithm), (#"{"alg":"ES256"}"#, .keyNotNamed),
        (#"{"alg":"ES256","kid":""}"#, .keyNotNamed), (#"{"alg":"ES256","kid":7}"#, .keyNotNamed),
        (#"{"alg":"ES256","kid":"key-2"}"#, .unknownKey),
        (#"{"alg":"ES256","kid":"key-1","crit":["b64"]}"#, .malformed),
        (#"{"alg":"ES256","kid":"key-1","alg":"none"}"#, .malformed), (#"["ES256"]"#, .malformed),
        ("ES256", .malformed),
    ])
    func `a header that is not accepted is refused`(header: String, code: TokenRefusal.Code) throws {
        expect(try world.key.token(claims(), header: header), code)
    }

    @Test func `an unsigned token is refused`() throws {
        let header = Base64URL.encode(#"{"alg":"none","kid":"key-1"}"#.utf8)
        expect("\(header).\(Base64URL.encode(claims().utf8)).", .algorithm)
        let signed = try world.key.token(claims()).split(separator: ".")
        expect("\(signed[0]).\(signed[1]).", .signature)
    }

    @Test func `a published key is no shared secret`() throws {
        // The known attack: HMAC with the public key's text as its key.
        let header = #"{"alg":"HS256","typ":"JWT","kid":"key-1"}"#
        let signed = "\(Base64URL.encode(header.utf8)).\(Base64URL.encode(claims().utf8))"
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(signed.utf8),
            using: SymmetricKey(data: Data(world.key.jwk.utf8))
        )
        expect("\(signed).\(Base64URL.encode(code))", .algorithm)
        // A shared secret in the key set is not used either.
        let secret = SymmetricKey(data: Data("secret".utf8))
        let shared = try VerifierWorld(others: [#"{"kty":"oct","kid":"shared","k":"c2VjcmV0","alg":"HS256"}"#])
        for algorithm in ["HS256", "ES256"] {
            let parts =
                "\(Base64URL.encode(#"{"alg":"\#(algorithm)","kid":"shared"}"#.utf8)).\(Base64URL.encode(claims().utf8))"
            let signature = Base64URL.encode(HMAC<SHA256>.authenticationCode(for: Data(parts.utf8), using: secret))
            let expected: TokenRefusal.Code = algorithm == "HS256" ? .algorithm : .unknownKey
            #expect(shared.verify("\(parts).\(signature)").code == expected.rawValue)
        }
    }

    @Test(arguments: TestKey.algorithms)
    func `a signature of another key, or over other claims, is refused`(algorithm: String) throws {
        let world = try VerifierWorld(algorithm)
        let parts = try world.key.token(VerifierWorld.claims()).split(separator: ".")
        let forged = Base64URL.encode(VerifierWorld.claims(["sub": #""mallory""#]).utf8)
        #expect(world.verify("\(parts[0]).\(forged).\(parts[2])").code == TokenRefusal.Code.signature.rawValue)
        var signature = try #require(Base64URL.decode(parts[2].utf8))
        signature[signature.count / 2] ^= 1
        let changed = "\(parts[0]).\(parts[1]).\(Base64URL.encode(signature))"
        #expect(world.verify(changed).code == TokenRefusal.Code.signature.rawValue)
        // Also after the right one was seen and is remembered.
        #expect(world.verify(parts.joined(separator: ".")).subject == "alice")
        #expect(world.verify(changed).code == TokenRefusal.Code.signature.rawValue)
        guard !algorithm.hasPrefix("RS"), !algorithm.hasPrefix("PS") else { return }
        let other = try TestKey.make(algorithm).token(VerifierWorld.claims())
        #expect(world.verify(other).code == TokenRefusal.Code.signature.rawValue)
    }

    @Test(
        arguments: [
            (["sub"], [:], TokenRefusal.Code.claimMissing), (["exp"], [:], .claimMissing),
            (["iat"], [:], .claimMissing),
            ([], ["sub": #""""#], .claimInvalid), ([], ["sub": "7"], .claimInvalid),
            ([], ["sub": "null"], .claimInvalid),
            ([], ["sub": #""a\nb""#], .claimInvalid), ([], ["sub": #""\u0000""#], .malformed),
            ([], ["exp": #""soon""#], .claimInvalid),
            ([], ["exp": "-1"], .claimInvalid), ([], ["exp": "1e300"], .claimInvalid),
            ([], ["exp": "253402300800"], .claimInvalid),
            ([], ["nbf": "true"], .claimInvalid), ([], ["iat": "[]"], .claimInvalid),
            ([], ["iss": "{}"], .claimInvalid),
            ([], ["aud": "7"], .claimInvalid), ([], ["aud": #"["fleet",7]"#], .claimInvalid), (["iss"], [:], .issuer),
            ([], ["iss": #""login2""#], .issuer), (["aud"], [:], .audience), ([], ["aud": #"["fleet2"]"#], .audience),
            ([], ["aud": "[]"], .audience),
        ] as [(Set<String>, [String: String], TokenRefusal.Code)]
    )
    func `claims that are missing, wrong or for others are refused`(
        without: Set<String>,
        others: [String: String],
        code: TokenRefusal.Code
    ) throws {
        expect(try world.key.token(claims(others, without: without)), code)
    }

    @Test(arguments: ["[]", "7", #""alice""#, "", "{", #"{"sub":"alice","sub":"root"}"#])
    func `claims that are no object are refused`(claims: String) throws {
        #expect(world.verify(try world.key.token(claims)).code == TokenRefusal.Code.malformed.rawValue)
    }
}
