import Testing

@testable import FleetCheck

/// Each invariant holds in a sound history and is broken by each way of breaking it.
@Suite struct InvariantTests {
    /// A way in which a history is made unsound, and what must be noticed.
    struct Breach: CustomTestStringConvertible, Sendable {
        let invariant: Invariant
        let testDescription: String
        let breakHistory: @Sendable (inout SoundHistory, inout History) -> Void

        init(
            _ invariant: Invariant,
            _ says: String,
            _ breakHistory: @escaping @Sendable (inout SoundHistory, inout History) -> Void
        ) {
            (self.invariant, testDescription, self.breakHistory) = (invariant, says, breakHistory)
        }
    }

    @Test func `a sound history breaks nothing and shows every rare situation`() {
        let verdict = Verdict(SoundHistory().history)
        #expect(verdict.violations == [])
        #expect(verdict.missing == [])
        #expect(verdict.exitCode == 0)
    }

    @Test(arguments: Invariant.allCases)
    func `every invariant has ways in which it is broken`(invariant: Invariant) {
        #expect(Self.breaches.contains { $0.invariant == invariant })
    }

    @Test(arguments: breaches) func `a breach is noticed`(breach: Breach) {
        var sound = SoundHistory()
        var history = sound.history
        breach.breakHistory(&sound, &history)
        // What was added to the parts comes behind what was changed in the whole.
        history.messages += sound.history.messages.dropFirst(SoundHistory().history.messages.count)
        let verdict = Verdict(history)
        #expect(verdict.violations.contains { $0.invariant == breach.invariant }, "\(verdict.violations)")
        #expect(verdict.exitCode == 1)
    }

    @Test func `a request that was given up and is sent again may have an end of its own`() {
        var sound = SoundHistory()
        sound.request("given-up")
        sound.answer("given-up", "rejected", id: "first")
        sound.deadLetter("deployment.requests", offset: 6, reason: "not_now")
        sound.request("given-up")
        sound.answer("given-up", "rejected", id: "second")
        #expect(!Verdict(sound.history).violations.contains { $0.invariant == .end })
        sound.answer("given-up", "rejected", id: "third")
        #expect(Verdict(sound.history).violations.contains { $0.invariant == .end })
    }

    static let breaches: [Breach] = [
        ends, poison, once, effects, order, answers, facts, offsets, ledger, convergence, clusters, statuses,
        openness, words, rules,
    ].flatMap { $0 }

    private static let ends = [
        Breach(.end, "a request without an end") { _, history in
            history.messages.removeAll { $0.id == "result-5" }
        },
        Breach(.end, "a request with two ends") { sound, _ in
            sound.answer("deploy-1", "rejected", id: "second")
        },
        Breach(.end, "a request that was answered with a plan") { sound, _ in
            sound.request("meant")
            sound.answer("meant", "planned", id: "a plan")
        },
        Breach(.end, "a dry run without an end") { sound, _ in sound.request("asked", isDryRun: true) },
        Breach(.end, "a dry run that was carried out") { sound, _ in
            sound.answer("plan", "succeeded", id: "done")
        },
        Breach(.end, "other content under a used id that nobody answered") { sound, _ in
            sound.add("deployment.requests", key: "other", id: "deploy-1", type: "slipway.instance.stop.v1", "{}")
        },
        Breach(.end, "a proper request that was dead-lettered") { sound, _ in
            sound.deadLetter("deployment.requests", offset: 0)
        },
        Breach(.end, "a message that was given up because the fleet could not work") { sound, _ in
            sound.deadLetter("resource.changes", offset: 0, reason: "kept_failing")
        },
        Breach(.end, "a request that was acknowledged and does not lie on the topic") { _, history in
            history.sent[0].offset = 99
        },
        Breach(.end, "a request without a name that was dropped") { _, history in
            history.messages.append(
                SeenMessage(topic: "deployment.requests", offset: 6, key: "k", headers: [:], text: "{}")
            )
        },
        Breach(.end, "a command that is open behind its deadline") { _, history in
            history.database.commands[0].state = "applied"
        },
        Breach(.end, "a command that nobody has asked for") { _, history in
            history.database.commands[0].source = "/nobody"
        },
        Breach(.end, "a command of a request that was dead-lettered") { sound, history in
            sound.request("given up")
            sound.deadLetter("deployment.requests", offset: 6)
            var command = history.database.commands[0]
            (command.id, command.request, command.generation) = ("c-2", "given up", 2)
            history.database.commands.append(command)
        },
        Breach(.end, "a release that no version came of") { sound, _ in
            sound.add(
                "release.events",
                key: "web",
                id: "r",
                type: "slipway.release.published.v1",
                #"{"artifact":"web","version":"1.0.0"}"#
            )
        },
    ]

    private static let once = [
        Breach(.onceOnly, "one request that became two commands") { _, history in
            var second = history.database.commands[0]
            second.id = "c-2"
            history.database.commands.append(second)
        },
        Breach(.onceOnly, "a dry run that became a command") { _, history in
            var second = history.database.commands[0]
            (second.id, second.request, second.subject) = ("c-2", "plan", nil)
            history.database.commands.append(second)
        },
        Breach(.onceOnly, "one id with two contents") { sound, _ in
            sound.add(
                "instance.status",
                key: "shop/staging/web",
                id: "shop/staging/web-2",
                headers: ["ce_revision": "2"],
                "{}"
            )
        },
        Breach(.onceOnly, "a step of the ledger that was never told") { _, history in
            history.messages.removeAll { $0.id == "result-3" }
        },
        Breach(.onceOnly, "a step that was told and is not in the ledger") { _, history in
            history.database.steps.removeAll { $0.revision == 4 }
        },
        Breach(.onceOnly, "a step that is told under two ids") { sound, _ in
            let text = SoundHistory.result(command: "c-1", request: "deploy-1", "sent", 2, reason: false)
            sound.add("deployment.results", key: "shop/staging", id: "again", text)
        },
        Breach(.onceOnly, "two commands with one generation of an instance") { _, history in
            var second = history.database.commands[0]
            (second.id, second.request) = ("c-2", "deploy-2")
            history.database.commands.append(second)
        },
    ]

    private static let order = [
        Breach(.order, "a revision that comes first behind a higher one") { sound, _ in
            sound.status("environment.status", "shop/staging", 3)
            sound.status("environment.status", "shop/staging", 2)
        },
        Breach(.order, "an old state as the last word of a key") { sound, _ in
            sound.status("instance.status", "shop/staging/web", 1)
        },
        Breach(.order, "a request that is done before one that came before it") { sound, history in
            sound.request("deploy-2")
            var earlier = history.database.commands[0]
            (earlier.id, earlier.request, earlier.generation) = ("c-0", "deploy-2", 1)
            history.database.commands[0].generation = 2
            history.database.commands.append(earlier)
        },
        Breach(.order, "a status without a revision") { sound, _ in
            sound.add("object.status", key: "k", id: "o", "{}")
        },
        Breach(.order, "a state after a terminal one") { sound, _ in
            let text = SoundHistory.result(command: "c-1", request: "deploy-1", "applied", 6, reason: false)
            sound.add("deployment.results", key: "shop/staging", id: "result-6", text)
        },
        Breach(.order, "a terminal state that the ledger leaves") { _, history in
            history.database.steps.append(StoredStep(command: "c-1", revision: 7, state: "applied", isLate: false))
        },
        Breach(.order, "a step that is neither in the ledger nor told") { _, history in
            history.database.steps.removeAll { $0.revision == 3 }
            history.messages.removeAll { $0.id == "result-3" }
        },
        Breach(.order, "a late step that is not in the ledger") { _, history in
            history.database.steps.removeAll { $0.isLate }
        },
        Breach(.order, "a command that is not where its newest step is") { _, history in
            history.database.commands[0].state = "failed"
        },
    ]

    private static let facts = [
        Breach(.facts, "a counter that goes back") { _, history in
            history.samples.append(Sample(at: 3, rising: ["cluster c0 epoch": 1]))
        },
        Breach(.facts, "an object whose generation goes back") { sound, _ in
            for (revision, generation) in [(1, 4), (2, 3)] {
                sound.add(
                    "resource.status",
                    key: "c0/ns/Pod/a",
                    id: "a-\(revision)",
                    headers: ["ce_revision": "\(revision)"],
                    #"{"uid":"u","generation":\#(generation)}"#
                )
            }
        },
    ]

    private static let offsets = [
        Breach(.offsets, "an offset that was committed before its messages were done") { _, history in
            history.samples.append(Sample(at: 3, rising: [:], committed: ["a": 9], claimed: ["a": 8]))
        },
        Breach(.offsets, "a run in which nobody could read what was committed") { _, history in
            for place in history.samples.indices { history.samples[place].committed = [:] }
        },
        Breach(.offsets, "a run in which nobody had committed anything") { _, history in
            for place in history.samples.indices { history.samples[place].committed = ["a": -1001] }
        },
        Breach(.offsets, "a run in which that could be read too seldom") { _, history in
            history.samples[9].claimed = ["b": 4]
        },
        Breach(.offsets, "a claim that is ahead of what was consumed") { _, history in
            history.database.claims[0].consumed -= 1
            history.database.claims[0].outcomes.applied -= 1
        },
        Breach(.offsets, "a topic that was taken for another one") { _, history in
            history.database.claims[0].incarnation = 2
        },
        Breach(.offsets, "a partition that nobody has begun to read") { _, history in
            history.database.claims.removeAll { $0.name.topic == "deployment.requests" }
        },
        Breach(.offsets, "a claim that is behind the end") { _, history in
            history.database.claims[1].nextOffset -= 1
        },
    ]

    private static let ledger = [
        Breach(.ledger, "a message without an outcome") { _, history in
            history.database.claims[0].outcomes.applied = 0
        },
        Breach(.ledger, "a message with two outcomes") { _, history in
            history.database.claims[1].outcomes.applied += 1
        },
        Breach(.ledger, "a parked message that is neither waiting nor released") { _, history in
            history.database.claims[0].released = Outcomes()
        },
        Breach(.ledger, "a dead letter that nobody wrote") { _, history in
            history.messages.removeAll { $0.topic == "deployment.requests.dlt" }
        },
    ]

    private static let convergence = [
        Breach(.convergence, "an object that the database does not know") { sound, _ in
            sound.change("Pod", "web-2", "u2", 2, 7)
        },
        Breach(.convergence, "an object that is gone in the cluster") { _, history in
            history.database.resources[0].isGone = false
        },
        Breach(.convergence, "an object as it was before") { _, history in
            history.database.resources[1].position = StreamPosition(epoch: 1, sequence: 2)
        },
        Breach(.convergence, "a snapshot that never came") { _, history in
            history.database.wantedSnapshots = ["c0/ns"]
        },
        Breach(.convergence, "a state that was not published") { _, history in
            history.database.revisions[SubjectName(topic: "instance.status", key: "shop/staging/web")] = 3
        },
    ]

    private static let openness = [
        Breach(.openness, "an outbox that is not empty") { _, history in history.database.outbox = 1 },
        Breach(.openness, "a message that cannot be delivered") { _, history in history.database.undeliverable = 1 },
        Breach(.openness, "a key that is parked without a time") { _, history in
            history.database.parked = [
                StoredParkedKey(name: SoundHistory.requests, key: "k", overdue: nil, hasReason: true)
            ]
        },
        Breach(.openness, "a key that is long overdue") { _, history in
            history.database.parked = [
                StoredParkedKey(name: SoundHistory.requests, key: "k", overdue: 60, hasReason: true)
            ]
        },
        Breach(.openness, "a key that waits for a time far away") { _, history in
            history.database.parked = [
                StoredParkedKey(name: SoundHistory.words, key: "c0", overdue: -3600, hasReason: true)
            ]
        },
        Breach(.openness, "a rejection without a reason") { sound, _ in
            let text = SoundHistory.result(command: nil, request: "deploy-9", "rejected", 0, reason: false)
            sound.add("deployment.results", key: "shop/staging", id: "bare", text)
        },
        Breach(.openness, "a dead letter without a reason") { sound, _ in
            sound.deadLetter("deployment.requests", offset: 3, reason: "")
        },
        Breach(.openness, "a process that ended by itself") { _, history in
            history.endings = [UnexpectedEnd(process: "timekeeper-1", says: "it ended by itself")]
        },
    ]
}
