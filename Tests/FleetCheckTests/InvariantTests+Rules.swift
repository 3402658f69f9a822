import Testing

@testable import FleetCheck

/// Rules that deploy releases.
extension InvariantTests {
    static let rules = [
        Breach(.end, "a rule that fired and did not ask") { sound, history in
            history.database.versions = ["small 3.0.1"]
            publish("3.0.1", in: &sound)
            evaluate("3.0.1", in: &sound)
        },
        Breach(.onceOnly, "a rule that asked twice") { sound, _ in
            publish("3.0.1", in: &sound)
            evaluate("3.0.1", in: &sound)
            ask("3.0.1", in: &sound)
            ask("3.0.1", id: "once more", in: &sound)
        },
        Breach(.onceOnly, "a rule that fired twice for one event") { sound, _ in
            publish("3.0.1", in: &sound)
            for id in ["first", "second"] {
                evaluate("3.0.1", id: id, in: &sound)
                ask("3.0.1", id: "of the \(id)", in: &sound)
            }
        },
        Breach(.onceOnly, "a rule that asked without having fired") { sound, _ in
            publish("3.0.1", in: &sound)
            evaluate("3.0.1", hasFired: false, in: &sound)
            ask("3.0.1", in: &sound)
        },
    ]

    @Test func `a rule that looks at each new release once, and asks once, breaks nothing`() {
        var sound = SoundHistory()
        // One from before there was a rule; it and another one come again later.
        for version in ["2.0.0", "3.0.1", "2.0.0", "3.0.1", "4.0.0", "3.0.2"] { Self.publish(version, in: &sound) }
        for version in ["3.0.1", "3.0.2"] {
            // The outbox after a crash.
            for _ in 1...2 { Self.evaluate(version, in: &sound) }
            for _ in 1...2 { Self.ask(version, in: &sound) }
        }
        Self.evaluate("4.0.0", hasFired: false, in: &sound)
        let violations = Verdict(Self.withRule(sound.history, changes: 1)).violations
        #expect(violations.filter { $0.invariant == .onceOnly } == [])
        #expect(!violations.contains { $0.subject == Self.rule || $0.subject.hasSuffix("in shop/staging/small") })
    }

    @Test func `a rule overlooks no release behind one that it looked at, unless somebody changed it`() {
        var sound = SoundHistory()
        for version in ["3.0.1", "3.0.2"] { Self.publish(version, in: &sound) }
        Self.evaluate("3.0.1", in: &sound)
        Self.ask("3.0.1", in: &sound)
        let verdict = Verdict(Self.withRule(sound.history, changes: 1))
        #expect(verdict.violations.contains { $0.invariant == .end && $0.subject == Self.rule })
        let changed = Verdict(Self.withRule(sound.history, changes: 2))
        #expect(!changed.violations.contains { $0.subject == Self.rule })
    }

    private static let rule = "auto-deploy shop/staging/small"

    /// The history with a rule that so many commands were about.
    private static func withRule(_ history: History, changes: Int) -> History {
        var history = history
        history.database.rules = [rule: "small"]
        for number in 1...changes {
            var command = history.database.commands[0]
            (command.id, command.request, command.subject, command.about) = ("rule \(number)", "r\(number)", nil, rule)
            history.database.commands.append(command)
        }
        return history
    }

    /// Publishes a release; each time it is the same event.
    private static func publish(_ version: String, in sound: inout SoundHistory) {
        let text = #"{"artifact":"small","version":"\#(version)"}"#
        sound.add("release.events", key: "small", id: version, type: "slipway.release.published.v1", text)
    }

    private static func evaluate(
        _ version: String,
        id: String? = nil,
        hasFired: Bool = true,
        in sound: inout SoundHistory
    ) {
        let text = String(place(version).dropLast()) + #","fired":\#(hasFired)}"#
        let type = "slipway.autodeploy.evaluated.v1"
        sound.add("deployment.results", key: "shop/staging", id: id ?? "saw \(version)", type: type, text)
    }

    private static func ask(_ version: String, id: String? = nil, in sound: inout SoundHistory) {
        sound.add(
            "deployment.requests",
            key: "shop/staging",
            id: id ?? "asks \(version)",
            type: "slipway.instance.deploy.v1",
            headers: ["ce_source": "/slipway/release-worker"],
            place(version)
        )
    }

    private static func place(_ version: String) -> String {
        #"{"project":"shop","environment":"staging","instance":"small","version":"\#(version)"}"#
    }
}
