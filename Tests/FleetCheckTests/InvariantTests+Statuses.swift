import Testing

@testable import FleetCheck

/// What is published of a thing, and what its newest command has made of it.
extension InvariantTests {
    static let statuses = [
        Breach(.convergence, "a state that is not the database's") { _, history in
            history.database.statuses[SoundHistory.instance]?.state = "failed"
        },
        Breach(.convergence, "a health that is not the database's") { _, history in
            history.database.statuses[SoundHistory.instance]?.health = "degraded"
        },
        Breach(.convergence, "a thing that is gone and never had its tombstone") { sound, history in
            sound.status("object.status", "shop/staging/network/web", 3)
            history.database.revisions[SoundHistory.removed] = 3
        },
        Breach(.convergence, "a thing that is there and has a tombstone") { sound, history in
            sound.status("instance.status", "shop/staging/web", 3, isGone: true)
            history.database.revisions[SoundHistory.instance] = 3
        },
        Breach(.convergence, "a thing that followers see and the database does not know") { sound, _ in
            sound.status("object.status", "shop/staging/config-map/web", 1)
        },
        Breach(.convergence, "an instance that is gone though it was deployed") { sound, history in
            sound.status("instance.status", "shop/staging/web", 3, isGone: true)
            history.database.revisions[SoundHistory.instance] = 3
            history.database.statuses[SoundHistory.instance] = StoredStatus(isGone: true, state: "deleted")
        },
        Breach(.convergence, "a network that is there after its deletion") { sound, history in
            removal(of: "network shop/staging/web", in: &sound, &history)
            sound.status("object.status", "shop/staging/network/web", 3)
            history.database.revisions[SoundHistory.removed] = 3
            history.database.statuses[SoundHistory.removed] = StoredStatus(isGone: false, state: "running")
        },
    ]

    @Test func `what a deletion removed is gone, and so is what went with its environment`() {
        var sound = SoundHistory()
        var history = sound.history
        Self.removal(of: "network shop/staging/web", in: &sound, &history)
        history.messages = sound.history.messages
        #expect(Verdict(history).violations.filter { $0.invariant == .convergence } == [])
        Self.removal(of: "environment shop/staging", in: &sound, &history)
        sound.status("instance.status", "shop/staging/web", 3, isGone: true)
        history.messages = sound.history.messages
        history.database.revisions[SoundHistory.instance] = 3
        history.database.statuses[SoundHistory.instance] = StoredStatus(isGone: true, state: "deleted")
        #expect(Verdict(history).violations.filter { $0.invariant == .convergence } == [])
    }

    @Test func `a newer command that did not succeed leaves open what is there`() {
        var sound = SoundHistory()
        var history = sound.history
        Self.removal(of: "network shop/staging/web", in: &sound, &history)
        history.database.commands[1].state = "timed_out"
        sound.status("object.status", "shop/staging/network/web", 3)
        history.database.revisions[SoundHistory.removed] = 3
        history.database.statuses[SoundHistory.removed] = StoredStatus(isGone: false, state: "running")
        history.messages = sound.history.messages
        #expect(Verdict(history).violations.filter { $0.invariant == .convergence } == [])
    }

    /// A deletion that has succeeded.
    private static func removal(of about: String, in sound: inout SoundHistory, _ history: inout History) {
        let kind = about.prefix { $0 != " " }
        let id = "delete-\(kind)"
        sound.add("deployment.requests", key: "shop/staging", id: id, type: "slipway.\(kind).delete.v1", "{}")
        var command = history.database.commands[0]
        (command.id, command.request, command.subject, command.about) = ("c-\(kind)", id, "\(kind) 1", about)
        history.database.commands.append(command)
    }
}
