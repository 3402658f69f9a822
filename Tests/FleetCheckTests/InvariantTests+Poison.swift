import Testing

@testable import FleetCheck

/// What nobody should act on, and what must not be given up.
extension InvariantTests {
    static let poison = [
        Breach(.end, "poison that nobody has answered") { sound, history in
            sound.request("forged")
            history.sent.append(SoundHistory.poison("forged", at: 6))
            // What it asks for was done, as if its token were good.
            sound.answer("forged", "succeeded", id: "obeyed")
        },
        Breach(.end, "a rejected message of poison that became a command") { sound, history in
            sound.request("forged")
            history.sent.append(SoundHistory.poison("forged", at: 6))
            sound.answer("forged", "rejected", id: "refused")
            var command = history.database.commands[0]
            (command.id, command.source, command.request) = ("c-2", "/test", "forged")
            history.database.commands.append(command)
        },
        Breach(.end, "an unsigned fact that was dropped in silence") { _, history in
            history.sent.append(SoundHistory.poison("unsigned", on: "resource.changes", at: 0))
        },
        Breach(.end, "an agent's proper fact that was dead-lettered") { sound, _ in
            letter(of: "1-1", on: "resource.changes", 0, "not_signed", in: &sound)
        },
        Breach(.end, "an agent's proper fact that the database did not take") { sound, _ in
            letter(of: "1-1", on: "resource.changes", 0, "database_refused", in: &sound)
        },
        Breach(.end, "a proper request of the fleet's own that was dead-lettered") { sound, _ in
            sound.request("of a rule")
            letter(of: "of a rule", on: "deployment.requests", 6, "not_json", in: &sound)
        },
    ]

    @Test func `poison may be answered or given up, also where nobody knows where it lies`() {
        var sound = SoundHistory()
        sound.request("refused")
        sound.answer("refused", "rejected", id: "refusal")
        sound.request("twice")
        sound.request("twice")
        Self.letter(of: "twice", on: "deployment.requests", 7, "not_json", in: &sound)
        Self.letter(of: "twice", on: "deployment.requests", 8, "not_json", in: &sound)
        // A worker that was killed again and again, and a database that refused.
        for (offset, code) in [(9, "worker_crashed"), (10, "database_refused")] as [(Int64, String)] {
            sound.request("hard \(offset)")
            Self.letter(of: "hard \(offset)", on: "deployment.requests", offset, code, in: &sound)
        }
        var history = sound.history
        history.sent += [SoundHistory.poison("refused", at: 6), SoundHistory.poison("twice", at: 7)]
        #expect(Verdict(history).violations.filter { $0.invariant == .end } == [])
    }

    @Test func `other content under the id of a proper request does not forbid that one`() {
        var sound = SoundHistory()
        sound.add("deployment.requests", key: "other", id: "deploy-1", type: "slipway.instance.stop.v1", "{}")
        Self.letter(of: "deploy-1", on: "deployment.requests", 6, "id_reused", in: &sound)
        var history = sound.history
        history.sent.append(SoundHistory.poison("deploy-1", at: 6))
        #expect(Verdict(history).violations.filter { $0.invariant == .end } == [])
    }

    /// Adds the dead letter of a message.
    private static func letter(
        of id: String,
        on topic: String,
        _ offset: Int64,
        _ code: String,
        in sound: inout SoundHistory
    ) {
        let headers = [
            "__connect.errors.partition": "0", "__connect.errors.offset": "\(offset)",
            "__connect.errors.exception.message": "It was given up.", "slipway-reason-code": code,
        ]
        sound.add(topic + ".dlt", key: "shop/staging", id: id, headers: headers, "{}")
    }
}
