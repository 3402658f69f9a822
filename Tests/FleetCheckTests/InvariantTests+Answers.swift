import Testing

@testable import FleetCheck

/// The order of requests about what has no generations, and what is stored of it in the end.
extension InvariantTests {
    static let answers = [
        Breach(.order, "a request about a project that is answered before one that came before it") { sound, history in
            let (first, second) = (update("one"), update("two"))
            ask(first, of: &sound)
            ask(second, of: &sound)
            answer(second, of: &sound)
            answer(first, of: &sound)
            store([first, second], as: "two", in: &history)
        },
        Breach(.order, "a project that has the name of an update before the last") { sound, history in
            let updates = [update("one"), update("two")]
            for update in updates {
                ask(update, of: &sound)
                answer(update, of: &sound)
            }
            store(updates, as: "one", in: &history)
        },
        Breach(.order, "a rule that is enabled after it was disabled") { sound, history in
            let requests = [rule("create"), rule("disable")]
            for request in requests {
                ask(request, of: &sound)
                answer(request, of: &sound)
            }
            store(requests, as: "enabled", in: &history)
        },
        Breach(.order, "a rule that is there after its deletion") { sound, history in
            let requests = [rule("create"), rule("disable"), rule("delete")]
            for request in requests {
                ask(request, of: &sound)
                answer(request, of: &sound)
            }
            store(requests, as: "disabled", in: &history)
        },
    ]

    @Test func `updates that are answered in their order and stored break no order, nor do those of other keys`() {
        var sound = SoundHistory()
        let updates = [Self.update("one"), Self.update("two")]
        for update in updates { Self.ask(update, of: &sound) }
        for update in updates { Self.answer(update, of: &sound) }
        let other = Self.update("three", key: "other")
        Self.ask(other, of: &sound)
        Self.answer(other, of: &sound)
        // One that failed does not count.
        let failed = Self.update("four")
        Self.ask(failed, of: &sound)
        Self.answer(failed, of: &sound)
        var history = sound.history
        Self.store(updates, as: "two", in: &history)
        Self.store([failed], as: "two", state: "failed", in: &history)
        #expect(!Verdict(history).violations.contains { $0.invariant == .order && $0.subject == "project shop" })
    }

    private struct Asked {
        let id: String
        let type: String
        let about: String
        var key = "shop"
        let text: String
    }

    private static func update(_ name: String, key: String = "shop") -> Asked {
        let text = #"{"project":"shop","name":"\#(name)"}"#
        return Asked(id: name, type: "slipway.project.update.v1", about: "project shop", key: key, text: text)
    }

    private static func rule(_ verb: String) -> Asked {
        Asked(id: verb, type: "slipway.autodeploy.\(verb).v1", about: "auto-deploy shop/staging/web", text: "{}")
    }

    private static func ask(_ request: Asked, of sound: inout SoundHistory) {
        sound.add("deployment.requests", key: request.key, id: request.id, type: request.type, request.text)
    }

    private static func answer(_ request: Asked, of sound: inout SoundHistory) {
        sound.answer(request.id, "succeeded", id: "of-\(request.id)", command: "c-\(request.id)")
    }

    private static func store(
        _ requests: [Asked],
        as value: String,
        state: String = "succeeded",
        in history: inout History
    ) {
        for request in requests {
            var command = history.database.commands[0]
            (command.id, command.request, command.subject) = ("c-\(request.id)", request.id, nil)
            (command.about, command.state, command.revision) = (request.about, state, 2)
            history.database.commands.append(command)
            for (number, state) in [(1, "accepted"), (2, state)] as [(Int64, String)] {
                let step = StoredStep(command: command.id, revision: number, state: state, isLate: false)
                history.database.steps.append(step)
            }
        }
        if let about = requests.first?.about { history.database.values[about] = value }
    }
}
