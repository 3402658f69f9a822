import Foundation
import Synchronization
import Testing

@testable import Identity

/// A key set that answers what the test says, and counts how often it is asked.
private final class ScriptedOrigin: KeySetOrigin {
    let pace = KeySetPace(renewal: .seconds(600), missingKey: .seconds(30), retry: .seconds(5), renewsAside: true)
    private let state: Mutex<(document: String?, reads: Int, isHeld: @Sendable () -> Bool)>

    init(_ document: String?) {
        state = Mutex((document, 0, { false }))
    }

    var reads: Int { state.withLock { $0.reads } }

    func answer(_ document: String?) {
        state.withLock { $0.document = document }
    }

    /// Answers only when that is no longer so.
    func hold(while isHeld: @escaping @Sendable () -> Bool) {
        state.withLock { $0.isHeld = isHeld }
    }

    func read(unless _: KeySetStamp?) throws(IdentityError) -> KeySetReading {
        let document = state.withLock { state in
            state.reads += 1
            return state.document
        }
        while state.withLock({ $0.isHeld })() { sched_yield() }
        guard let document else { throw IdentityError(.keySetUnreachable, "It is away.") }
        return .document(Array(document.utf8), nil)
    }
}

/// How often a key set at an address is asked for.
@Suite(.timeLimit(.minutes(1))) struct KeySetPaceTests {
    private let clock = TestClock()
    private let known: TestKey
    private let new: TestKey
    private let origin: ScriptedOrigin
    private let verifier: TokenVerifier

    init() throws {
        known = try TestKey.make("ES256")
        new = try TestKey.make("ES256", id: "key-2")
        origin = ScriptedOrigin(TestKey.keySet([known.jwk]))
        verifier = TokenVerifier.watching(origin, clock)
    }

    private func result(_ key: TestKey, _ subject: String = "alice") throws -> Result<VerifiedCaller, TokenError> {
        verifier.result("Bearer \(try key.token(VerifierWorld.claims(["sub": "\"\(subject)\""])))")
    }

    @Test func `it is not asked before the first token, and once for all that name a known key`() throws {
        #expect(origin.reads == 0)
        for name in ["a", "b", "c"] { #expect(try result(known, name).subject == name) }
        #expect(origin.reads == 1)
    }

    @Test func `for a missing key it is asked at most every thirty seconds`() throws {
        for _ in 0..<5 { #expect(try result(new).code == "token_unknown_key") }
        #expect(origin.reads == 1)
        clock.advance(.seconds(29))
        origin.answer(TestKey.keySet([known.jwk, new.jwk]))
        #expect(try result(new).code == "token_unknown_key")
        clock.advance(.seconds(1))
        #expect(try result(new).subject == "alice")
        #expect(origin.reads == 2)
    }

    @Test func `a key that may have been published since it was asked is no refusal, the next look decides`() throws {
        let verifier = TokenVerifier.inTime(origin, clock)
        let header = "Bearer \(try new.token(VerifierWorld.claims()))"
        let madeUp = "Bearer \(try TestKey.make("ES256", id: "key-3").token(VerifierWorld.claims()))"
        #expect(verifier.result(madeUp).code == "token_unknown_key", "it was asked for this one")
        origin.answer(TestKey.keySet([known.jwk, new.jwk]))
        clock.advance(.seconds(29))
        for request in [header, madeUp] {
            guard case .failure(.unavailable(let error)) = verifier.result(request, after: 29) else {
                Issue.record("a key is refused of which nobody knows")
                return
            }
            #expect(error.code == .keySetUnreachable)
        }
        clock.advance(.seconds(1))
        #expect(verifier.result(header, after: 29).subject == "alice")
        clock.advance(.seconds(30))
        #expect(verifier.result(madeUp, after: 29).code == "token_unknown_key", "it waits for one look only")
        #expect(verifier.result(madeUp, after: 29).code == "token_unknown_key")
        #expect(origin.reads == 3)
    }

    @Test func `what waited while it was asked is decided by that, however many made up their keys' names`() throws {
        let verifier = TokenVerifier.inTime(origin, clock)
        let madeUp = try (3...6).map { number in
            "Bearer \(try TestKey.make("ES256", id: "key-\(number)").token(VerifierWorld.claims()))"
        }
        #expect(verifier.result(madeUp[0]).code == "token_unknown_key")
        clock.advance(.seconds(29))
        #expect(verifier.result(madeUp[1], after: 29).code == IdentityError.Code.keySetUnreachable.rawValue, "it waits")
        clock.advance(.seconds(1))
        for token in madeUp[1...] {
            #expect(verifier.result(token, after: 29, seen: 29).code == "token_unknown_key")
        }
        #expect(origin.reads == 2)
        let next = verifier.result(madeUp[2], after: 29, seen: 31)
        #expect(next.code == IdentityError.Code.keySetUnreachable.rawValue, "it came after the look")
    }

    @Test func `somebody who makes up a key's name waits for two seconds, and holds up no others for longer`() throws {
        let url = try #require(URL(string: "https://login.example/keys"))
        #expect(KeySetAddress(url: url).pace.missingKey == .seconds(2))
    }

    @Test func `while it is away a missing key is no refusal and a known one is accepted`() throws {
        #expect(try result(known).subject == "alice")
        origin.answer(nil)
        clock.advance(.seconds(30))
        for _ in 0..<3 {
            guard case .failure(.unavailable(let error)) = try result(new) else {
                Issue.record("a key is refused though the key set is away")
                return
            }
            #expect(error.code == .keySetUnreachable)
            #expect(try result(known, "bob").subject == "bob")
        }
        #expect(origin.reads == 2)
        origin.answer(TestKey.keySet([new.jwk]))
        clock.advance(.seconds(5))
        #expect(try result(new).subject == "alice")
        #expect(origin.reads == 3)
    }

    @Test func `an answer that is no key set is no refusal`() throws {
        origin.answer("<html>Sign in</html>")
        guard case .failure(.unavailable(let error)) = try result(known) else {
            Issue.record("a key is refused though there is no key set")
            return
        }
        #expect(error.code == .keySetMalformed)
    }

    @Test func `it is asked anew after ten minutes, and nobody waits, so that withdrawn keys go`() async throws {
        #expect(try result(known).subject == "alice")
        origin.answer(TestKey.keySet([new.jwk]))
        clock.advance(.seconds(600))
        while try result(known).code == nil { await Task.yield() }
        #expect(try result(known).code == "token_unknown_key")
        #expect(try result(new).subject == "alice")
        #expect(origin.reads == 2)
    }

    @Test func `of many that miss a key one asks`() async throws {
        #expect(try result(known).subject == "alice")
        origin.answer(TestKey.keySet([known.jwk, new.jwk]))
        clock.advance(.seconds(30))
        // Each lane looks at the clock twice before it asks or waits: all of them miss the key before the answer comes.
        let enough = clock.looks + 16
        origin.hold { [clock] in clock.looks < enough }
        let header = "Bearer \(try new.token(VerifierWorld.claims()))"
        let results = await withTaskGroup { [verifier] group in
            for _ in 0..<8 { group.addTask { await onLane { verifier.result(header) } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.map(\.subject) == Array(repeating: "alice", count: 8))
        #expect(origin.reads == 2)
    }
}
