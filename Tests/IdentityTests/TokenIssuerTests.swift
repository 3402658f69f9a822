import Foundation
import Testing

@testable import Identity

@Suite struct TokenIssuerTests {
    let folder: Folder
    let issuer: TokenIssuer
    let verifier: TokenVerifier

    init() throws {
        folder = try Folder()
        issuer = try TokenIssuer.create(privateKey: folder.path("key.pem"), keySet: folder.path("keys.json"))
        verifier = try TokenVerifier(.file(folder.path("keys.json")), logger: .silent)
    }

    private func token(_ issuer: TokenIssuer, _ subject: String = "alice") throws -> String {
        try issuer.token(for: subject, lifetime: .seconds(60), at: VerifierWorld.second * 1_000_000 + 999_999)
    }

    @Test(arguments: ["alice", #"o'"brien"#, "日本語", "https://login.example/users/1"])
    func `what it issues is verified`(subject: String) throws {
        let header = "Bearer \(try token(issuer, subject))"
        #expect(verifier.result(header, after: 59).subject == subject)
        #expect(verifier.result(header, after: 71).code == "token_expired")
        #expect(TokenSubject.claimed(by: String(header.dropFirst(7))) == subject)
        #expect(TokenSubject.claimed(by: "no.token") == nil)
    }

    @Test func `issuer and audience are in the token`() throws {
        let strict = try TokenVerifier(
            .file(folder.path("keys.json")),
            settings: TokenSettings(issuer: "demo", audience: "fleet"),
            logger: .silent
        )
        let token = try issuer.token(
            for: "alice",
            issuer: "demo",
            audience: "fleet",
            at: VerifierWorld.second * 1_000_000
        )
        #expect(strict.result("Bearer \(token)") == .success(VerifiedCaller(subject: "alice", issuer: "demo")))
    }

    @Test func `the private key is its owner's, and the key set everybody's and without it`() throws {
        #expect(try folder.mode("key.pem") == 0o600)
        #expect(try folder.mode("keys.json") == 0o644)
        let pem = try String(contentsOfFile: folder.path("key.pem"), encoding: .utf8)
        #expect(pem.hasPrefix("-----BEGIN PRIVATE KEY-----"))
        let document = try JSONSerialization.jsonObject(with: Data(contentsOf: folder.url.appending(path: "keys.json")))
        let key = try #require(((document as? [String: Any])?["keys"] as? [[String: Any]])?.first)
        #expect(Set(key.keys) == ["kty", "crv", "alg", "use", "kid", "x", "y"])
    }

    @Test func `a key that is read again signs as before; one that others may read is refused`() throws {
        let again = try TokenIssuer.load(privateKey: folder.path("key.pem"))
        #expect(again.keyID == issuer.keyID)
        #expect(verifier.result("Bearer \(try token(again))").subject == "alice")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.path("key.pem"))
        let error = #expect(throws: IdentityError.self) { try TokenIssuer.load(privateKey: folder.path("key.pem")) }
        #expect(error?.sentence.contains("chmod 600") == true)
    }

    @Test func `a key is never overwritten`() throws {
        let before = try Data(contentsOf: folder.url.appending(path: "key.pem"))
        let keys = try Data(contentsOf: folder.url.appending(path: "keys.json"))
        let error = #expect(throws: IdentityError.self) {
            try TokenIssuer.create(privateKey: folder.path("key.pem"), keySet: folder.path("keys.json"))
        }
        #expect(error?.code == .file)
        #expect(try Data(contentsOf: folder.url.appending(path: "key.pem")) == before)
        #expect(try Data(contentsOf: folder.url.appending(path: "keys.json")) == keys)
    }

    @Test func `a second key joins the key set, and tokens of the first stay valid`() throws {
        let second = try TokenIssuer.create(privateKey: folder.path("key-2.pem"), keySet: folder.path("keys.json"))
        #expect(second.keyID != issuer.keyID)
        #expect(verifier.result("Bearer \(try token(second, "bob"))").subject == "bob")
        #expect(verifier.result("Bearer \(try token(issuer))").subject == "alice")
    }

    @Test func `nothing is left behind where the key set cannot be written`() throws {
        try folder.write("precious notes", to: "notes.txt")
        for place in ["notes.txt", "no/such/folder/keys.json"] {
            #expect(throws: IdentityError.self) {
                try TokenIssuer.create(privateKey: folder.path("other.pem"), keySet: folder.path(place))
            }
            #expect(!FileManager.default.fileExists(atPath: folder.path("other.pem")))
        }
        #expect(try String(contentsOfFile: folder.path("notes.txt"), encoding: .utf8) == "precious notes")
    }

    @Test(arguments: ["", "hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"])
    func `a file that is no key is refused, and not repeated`(text: String) throws {
        try folder.write(text, to: "bad.pem")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.path("bad.pem"))
        let error = #expect(throws: IdentityError.self) { try TokenIssuer.load(privateKey: folder.path("bad.pem")) }
        #expect(error?.code == .privateKey)
        #expect(error?.sentence.contains("hunter2") == false)
    }

    @Test func `an issuer does not print its key`() {
        var text = "\(issuer) \(String(reflecting: issuer)) "
        dump(issuer, to: &text)
        #expect(text.contains(issuer.keyID))
        #expect(!text.contains("P256"))
        #expect(Mirror(reflecting: issuer).children.count == 1)
    }
}
