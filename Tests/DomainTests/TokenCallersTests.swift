import Foundation
import Identity
import Kafka
import Logging
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Who sent a request is the subject of its token, as of the moment when the broker took it.
@Suite struct TokenCallersTests {
    private let folder: String
    private let issuer: TokenIssuer
    private let callers: TokenCallers
    private let now = Int64(Date().timeIntervalSince1970 * 1_000_000)

    init() throws {
        folder = NSTemporaryDirectory() + "token-callers-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        issuer = try TokenIssuer.create(privateKey: folder + "/key.pem", keySet: folder + "/keys.json")
        let verifier = try TokenVerifier(KeySetSource(folder + "/keys.json"), logger: Logger(label: "test"))
        callers = TokenCallers(verifier, fleetKey: try FleetKey(base64: FleetKey.random()))
    }

    private func message(_ token: String?, at microseconds: Int64, more: [(String, String)] = []) -> KafkaMessageView {
        KafkaMessageView(
            topic: "deployment.requests",
            brokerTime: microseconds / 1000,
            key: "shop",
            headers: (token.map { [("authorization", "Bearer \($0)")] } ?? []) + more,
            value: []
        )
    }

    private func refusal(_ message: KafkaMessageView) -> Reason? {
        do throws(CallerError) {
            _ = try callers.caller(of: message)
            return nil
        } catch .refused(let reason) {
            return reason
        } catch {
            Issue.record("nobody could tell: \(error)")
            return nil
        }
    }

    @Test func `the subject of a token is the caller`() throws {
        let token = try issuer.token(for: "olga", at: now)
        #expect(try callers.caller(of: message(token, at: now)) == Caller("olga"))
    }

    @Test func `a token that ended while the request waited counts, one that ended before it was sent does not`() throws
    {
        let past = now - 3_600_000_000
        let token = try issuer.token(for: "olga", lifetime: .seconds(300), at: past)
        #expect(try callers.caller(of: message(token, at: past + 200_000_000)).name == "olga")
        #expect(refusal(message(token, at: past + 400_000_000))?.field == "authorization")
    }

    @Test func `a request whose time the broker does not say came by the worker's clock`() throws {
        let token = try issuer.token(for: "olga", lifetime: .seconds(300), at: now)
        let untimed = KafkaMessageView(
            KafkaMessage(
                topic: "deployment.requests",
                value: [],
                headers: [KafkaHeader("authorization", "Bearer \(token)")]
            ),
            topic: "deployment.requests"
        )
        #expect(try callers.caller(of: untimed) == Caller("olga"))
        let environment = ["SLIPWAY_TEST_CLOCK_AHEAD": "600", "SLIPWAY_TEST_SIGNALS": folder]
        let late = TokenCallers(
            try TokenVerifier(KeySetSource(folder + "/keys.json"), logger: Logger(label: "test")),
            fleetKey: try FleetKey(base64: FleetKey.random()),
            clock: try WallClock(Settings(environment: environment))
        )
        #expect(throws: CallerError.self) { try late.caller(of: untimed) }
        #expect(try late.caller(of: message(token, at: now)) == Caller("olga"), "the broker's word counts")
    }

    @Test func `without a token, with another key's, or with nonsense nobody is known`() throws {
        let other = try TokenIssuer.create(privateKey: folder + "/other.pem", keySet: folder + "/others.json")
        let forged = try other.token(for: "olga", at: now)
        for token in [nil, "", "nonsense", forged] as [String?] {
            let reason = try #require(refusal(message(token, at: now)))
            #expect(reason.field == "authorization")
            #expect(token.map { $0.isEmpty || !reason.sentence.contains($0) } ?? true, "a token is never repeated")
        }
    }

    @Test func `a message that waited is its verified sender's, though its token has long ended`() throws {
        let token = try issuer.token(for: "olga", lifetime: .seconds(300), at: now)
        let kept = callers.kept(of: message(token, at: now))
        #expect(kept.map(\.0) == ["slipway-kept-caller"] && kept.map(\.1) == ["olga"])
        let parked = KafkaMessageView(message(nil, at: now, more: kept).message, topic: "x", isParked: true)
        #expect(try callers.caller(of: parked) == Caller("olga"))
    }

    @Test func `a token whose keys are away is kept encrypted, and verified when they are there`() throws {
        let fleetKey = try FleetKey(base64: FleetKey.random())
        let keySet = folder + "/broken.json"
        try FileManager.default.copyItem(atPath: folder + "/keys.json", toPath: keySet)
        let verifier = try TokenVerifier(KeySetSource(keySet), logger: Logger(label: "test"))
        let other = try TokenIssuer.create(privateKey: folder + "/new.pem", keySet: folder + "/new.json")
        try Data("no keys".utf8).write(to: URL(filePath: keySet))
        let away = TokenCallers(verifier, fleetKey: fleetKey)
        let token = try other.token(for: "olga", at: now)
        let sent = message(token, at: now)
        #expect {
            try away.caller(of: sent)
        } throws: { error in
            guard case .unavailable? = error as? CallerError else { return false }
            return true
        }
        let kept = away.kept(of: sent)
        #expect(kept.map(\.0) == ["slipway-kept-token", "slipway-kept-seen"])
        #expect(kept.allSatisfy { !$0.1.contains(token) && !$0.1.contains(token.prefix(20)) })
        let there = TokenCallers(
            try TokenVerifier(KeySetSource(folder + "/new.json"), logger: Logger(label: "test")),
            fleetKey: fleetKey
        )
        let parked = KafkaMessageView(message(nil, at: now, more: kept).message, topic: "x", isParked: true)
        #expect(try there.caller(of: parked) == Caller("olga"))
        let seen = try #require(TokenCallers.seen(parked))
        #expect(seen >= now, "it came by then, and one look at the keys decides it")
        let foreign = TokenCallers(
            try TokenVerifier(KeySetSource(folder + "/new.json"), logger: Logger(label: "test")),
            fleetKey: try FleetKey(base64: FleetKey.random())
        )
        #expect(throws: CallerError.self, "another fleet's key opens nothing") { try foreign.caller(of: parked) }
    }

    @Test func `a request whose sender cannot be told now is neither refused nor remembered, it waits`() throws {
        let world = try CommandWorld.ready()
        #expect(throws: Reason.self) {
            try world.request("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.0.0"), as: "later")
        }
        #expect(try world.published().isEmpty)
        #expect(try world.text("select count(*) from instance") == "0")
    }

    @Test func `what a sender writes in the place of what is kept proves nothing`() throws {
        let forged = message(nil, at: now, more: [("slipway-kept-caller", "root")])
        #expect(refusal(forged) != nil)
        #expect(forged.safeHeaders.isEmpty, "it is not kept when the message is parked")
        let early = message(nil, at: now, more: [("slipway-kept-seen", "1")])
        #expect(TokenCallers.seen(early) == nil && early.safeHeaders.isEmpty)
    }
}
