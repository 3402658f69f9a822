import FlyingFox
import Foundation
import Testing

@testable import Identity

@Suite(.timeLimit(.minutes(1))) struct KeySetAddressTests {
    let key: TestKey
    let header: String

    init() throws {
        key = try TestKey.make("RS256")
        header = "Bearer \(try key.token(VerifierWorld.claims()))"
    }

    private func result(_ url: String) async throws -> Result<VerifiedCaller, TokenError> {
        let verifier = try TokenVerifier(.url(url), logger: .silent)
        let header = header
        return await onLane { verifier.result(header) }
    }

    @Test func `keys are read from an address`() async throws {
        let document = TestKey.keySet([key.jwk])
        let server = try await KeyServer.start([
            "/keys": { _ in KeyServer.document(document) },
            "/moved": { _ in KeyServer.redirect("/keys") },
        ])
        #expect(try await result(server.url("/keys")).subject == "alice")
        #expect(try await result(server.url("/moved")).subject == "alice")
        await server.stop()
    }

    @Test(arguments: [
        ("/elsewhere", "redirects"), ("/large", "bytes"), ("/missing", "404"), ("/failing", "500"), ("/login", "keys"),
    ])
    func `an answer that is none is no refusal, and says why`(path: String, word: String) async throws {
        let document = TestKey.keySet([key.jwk])
        let server = try await KeyServer.start([
            "/keys": { _ in KeyServer.document(document) },
            // The same server under another name: another host.
            "/elsewhere": { port in KeyServer.redirect("http://localhost:\(port)/keys") },
            "/large": { _ in KeyServer.document(document + String(repeating: " ", count: 1 << 20)) },
            "/failing": { _ in HTTPResponse(statusCode: .internalServerError) },
            "/login": { _ in KeyServer.document("<html>Sign in</html>") },
        ])
        let result = try await result(server.url(path))
        await server.stop()
        guard case .failure(.unavailable(let error)) = result else {
            Issue.record("\(path) gives \(result)")
            return
        }
        #expect(error.sentence.contains(word))
    }

    @Test func `redirections that are not followed leave the process alive, however many come`() async throws {
        let server = try await KeyServer.start([
            "/elsewhere": { port in KeyServer.redirect("http://localhost:\(port)/keys") }
        ])
        let url = try #require(URL(string: server.url("/elsewhere")))
        let faults = await withTaskGroup { group in
            for _ in 0..<16 {
                group.addTask {
                    await onLane {
                        (0..<25).count { _ in (try? KeySetAddress(url: url).read(unless: nil)) == nil }
                    }
                }
            }
            return await group.reduce(0, +)
        }
        await server.stop()
        #expect(faults == 400)
    }

    @Test func `an address where nobody listens is no refusal`() async throws {
        let server = try await KeyServer.start([:])
        let url = server.url("/keys?client_secret=hunter2")
        await server.stop()
        guard case .failure(.unavailable(let error)) = try await result(url) else {
            Issue.record("a key is refused though nobody could be asked")
            return
        }
        #expect(error.code == .keySetUnreachable)
        #expect(error.sentence.contains("http://127.0.0.1:\(server.port)/keys"))
        #expect(!error.sentence.contains("hunter2"))
    }

    @Test(arguments: [
        "http://login.example/keys", "ftp://login.example/keys", "https://", "https://alice:hunter2@login.example/keys",
        "keys",
        "http://127.0.0.1.example/keys",
    ])
    func `an address that proves nothing is refused at the start`(text: String) {
        let error = #expect(throws: IdentityError.self) { try TokenVerifier(.url(text), logger: .silent) }
        #expect(error?.code == .keySetPlace)
        #expect(error?.sentence.contains("hunter2") == false)
    }

    @Test func `a setting is an address or a path`() {
        #expect(KeySetSource("https://login.example/keys") == .url("https://login.example/keys"))
        #expect(KeySetSource("/etc/slipway/keys.json") == .file("/etc/slipway/keys.json"))
    }

    @Test(arguments: [
        ("https://a/x", "https://a/y", true), ("https://a/x", "http://a/x", false),
        ("https://a/x", "https://b/x", false),
        ("https://a/x", "https://a:8443/x", false), ("http://a:1/x", "http://a:1/y?z", true),
    ])
    func `a redirection is followed only to the same place`(from: String, to: String, isFollowed: Bool) {
        #expect(KeySetDownload.samePlace(URL(string: from), URL(string: to)) == isFollowed)
    }
}
