import Crypto
import Foundation
import Testing

@testable import Identity

@Suite struct KeySetFileTests {
    @Test func `keys rotate without a restart`() throws {
        let world = try VerifierWorld()
        let new = try TestKey.make("EdDSA", id: "key-2")
        let token = try new.token(VerifierWorld.claims(["sub": #""bob""#]))
        #expect(world.verify(token).code == "token_unknown_key")
        try world.folder.write(TestKey.keySet([world.key.jwk, new.jwk]), to: "keys.json")
        #expect(world.verify(token).subject == "bob")
        #expect(world.verify(try world.key.token(VerifierWorld.claims())).subject == "alice")
    }

    @Test func `a withdrawn key is no longer accepted, also for tokens that were seen`() throws {
        let clock = TestClock()
        let folder = try Folder()
        let old = try TestKey.make("ES256")
        let new = try TestKey.make("ES256", id: "key-2")
        try folder.write(TestKey.keySet([old.jwk, new.jwk]), to: "keys.json")
        let verifier = TokenVerifier.watching(KeySetFile(path: folder.path("keys.json")), clock)
        let token = try old.token(VerifierWorld.claims())
        #expect(verifier.result("Bearer \(token)").subject == "alice")
        try folder.write(TestKey.keySet([new.jwk]), to: "keys.json")
        clock.advance(.milliseconds(500))
        #expect(verifier.result("Bearer \(token)").subject == "alice")
        clock.advance(.milliseconds(501))
        #expect(verifier.result("Bearer \(token)").code == "token_unknown_key")
    }

    @Test func `a file that goes or breaks leaves the known keys in use, and a missing key is then no refusal`() throws
    {
        let clock = TestClock()
        let folder = try Folder()
        let key = try TestKey.make("ES256")
        try folder.write(TestKey.keySet([key.jwk]), to: "keys.json")
        let verifier = TokenVerifier.watching(KeySetFile(path: folder.path("keys.json")), clock)
        let known = try key.token(VerifierWorld.claims())
        let new = try TestKey.make("ES256", id: "key-2")
        let unknown = try new.token(VerifierWorld.claims())
        #expect(verifier.result("Bearer \(known)").subject == "alice")
        for text in ["{", #"{"keys":7}"#, "[]", nil] {
            if let text {
                try folder.write(text, to: "keys.json")
            } else {
                try FileManager.default.removeItem(atPath: folder.path("keys.json"))
            }
            clock.advance(.seconds(2))
            #expect(verifier.result("Bearer \(known)").subject == "alice")
            guard case .failure(.unavailable) = verifier.result("Bearer \(unknown)") else {
                Issue.record("a key is refused though the key set cannot be read")
                return
            }
        }
        try folder.write(TestKey.keySet([new.jwk]), to: "keys.json")
        clock.advance(.seconds(2))
        #expect(verifier.result("Bearer \(unknown)").subject == "alice")
        #expect(verifier.result("Bearer \(known)").code == "token_unknown_key")
    }

    @Test func `a file that is no key set keeps the verifier from being made, with its name`() throws {
        let folder = try Folder()
        let missing = #expect(throws: IdentityError.self) {
            try TokenVerifier(.file(folder.path("none.json")), logger: .silent)
        }
        #expect(missing?.code == .keySetUnreachable)
        #expect(missing?.sentence.contains("none.json") == true)
        for text in ["", "{}", #"{"keys":{}}"#, "not json"] {
            try folder.write(text, to: "bad.json")
            let error = #expect(throws: IdentityError.self) {
                try TokenVerifier(.file(folder.path("bad.json")), logger: .silent)
            }
            #expect(error?.code == .keySetMalformed)
        }
        #expect(throws: IdentityError.self) { try TokenVerifier(.file(folder.url.path), logger: .silent) }
    }

    @Test func `a settled file is not read again until it changes`() throws {
        let folder = try Folder()
        try folder.write("{}", to: "keys.json")
        let file = KeySetFile(path: folder.path("keys.json"))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -60)],
            ofItemAtPath: file.path
        )
        guard case .document(_, let stamp?) = try file.read(unless: nil) else {
            Issue.record("a settled file has no stamp")
            return
        }
        guard case .unchanged = try file.read(unless: stamp) else {
            Issue.record("an unchanged file is read again")
            return
        }
        try folder.write("{ }", to: "keys.json")
        guard case .document(let bytes, nil) = try file.read(unless: stamp) else {
            Issue.record("a changed file is not read, or taken for settled")
            return
        }
        #expect(bytes == Array("{ }".utf8))
    }

    @Test func `the tokens that are remembered are bounded, and the ones in use stay`() {
        let cache = CallerCache(capacity: 100)
        let set = SHA256.hash(data: [1])
        let claims = TokenClaims(
            caller: VerifiedCaller(subject: "alice"),
            audiences: [],
            expires: 1,
            notBefore: nil,
            issued: nil
        )
        let digests = (0..<1_000).map { SHA256.hash(data: Array("\($0)".utf8)) }
        for digest in digests {
            cache.remember(claims, of: digest, under: set)
            #expect(cache.count <= 100)
            #expect(cache.claims(of: digests[0], under: set) == claims)
        }
        #expect(cache.claims(of: digests[500], under: set) == nil)
        #expect(cache.claims(of: digests[0], under: SHA256.hash(data: [2])) == nil)
    }
}
