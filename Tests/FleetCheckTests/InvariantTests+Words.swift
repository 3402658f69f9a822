import Testing

@testable import FleetCheck

/// What is said to agents and by them.
extension InvariantTests {
    static let words = [
        Breach(.openness, "a command that is called sent, and that no agent was asked for") { _, history in
            history.messages.removeAll { $0.topic == "agent.commands.c0" }
        },
        Breach(.openness, "a command that was only taken back") { _, history in
            history.messages.removeAll { $0.topic == "agent.commands.c0" }
            history.messages.append(
                SeenMessage(
                    topic: "agent.commands.c0",
                    offset: 0,
                    key: "shop/staging",
                    headers: ["ce_id": "back", "ce_type": "slipway.agent.withdrawn.v1"],
                    text: #"{"command":"c-1","generation":1}"#
                )
            )
        },
        Breach(.openness, "an agent's word that was counted and forgotten") { _, history in
            // It timed out: that alone is no violation.
            history.database.steps.removeAll { $0.state == "applied" }
        },
        Breach(.openness, "a word of an agent that has introduced itself again") { sound, history in
            history.database.steps.removeAll { $0.state == "applied" }
            history.messages.removeAll { $0.topic == "agent.status" && $0.offset > 1 }
            sound.say("hello", boot: "b-1", 0, 3)
            sound.say("applied", of: "c-1", 1, 4)
        },
    ]

    @Test func `words that may not have counted need not be in the ledger`() {
        var sound = SoundHistory()
        // Another agent introduces itself; the first one goes on until it hears of that, and introduces itself again.
        sound.say("hello", boot: "b-2", 0, 1)
        sound.say("applied", of: "c-2", 1, 4)
        sound.say("hello", boot: "b-1", 0, 5)
        sound.say("applied", of: "c-2", 1, 6)
        // One comes behind a newer word of its boot, one is about another generation, one about nothing that is known.
        sound.say("heartbeat", boot: "b-2", 2, 5)
        sound.say("applied", of: "c-2", 2, 4)
        sound.say("applied", of: "c-3", 2, 6)
        sound.say("applied", of: "c-9", 2, 7)
        var history = sound.history
        for (id, generation) in [("c-2", 1), ("c-3", 2)] as [(String, Int64)] {
            var command = history.database.commands[0]
            (command.id, command.generation) = (id, generation)
            history.database.commands.append(command)
        }
        #expect(Verdict(history).violations.filter { $0.invariant == .openness } == [])
        // The present one's next word counts.
        sound.say("applied", of: "c-2", 2, 8)
        history.messages = sound.history.messages
        #expect(Verdict(history).violations.contains { $0.invariant == .openness && $0.subject == "command c-2" })
    }
}
