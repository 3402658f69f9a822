import Testing

@testable import FleetCheck

/// What a fleet would leave behind that broke one of its promises in its code: the checker must notice each.
///
/// `slipway-chaos --mutant` plays the same with a real fleet.
@Suite struct MutantTests {
    @Test func `a lane that commits offsets first loses what it had in hand`() {
        var sound = SoundHistory()
        sound.request("lost")
        var history = sound.history
        // It was committed, then came the crash: the claim is behind the message, and nothing was done.
        history.database.claims[0].nextOffset = 7
        expect(history, breaks: [.end, .offsets])
    }

    @Test func `an inbox that forgets does again what was done`() {
        var history = SoundHistory().history
        history.database.claims[0].outcomes.applied += 1
        history.database.claims[0].outcomes.repeated -= 1
        var second = history.database.commands[0]
        (second.id, second.generation) = ("c-2", 2)
        history.database.commands.append(second)
        history.database.steps.append(StoredStep(command: "c-2", revision: 1, state: "succeeded", isLate: false))
        expect(history, breaks: [.onceOnly])
    }

    @Test func `an agent that does again what the one before it did is noticed, though no word tells of it`() {
        var history = SoundHistory().history
        var again = KeptCluster.Entry()
        again.effects = [SoundHistory.deed(SoundHistory.command, 1)]
        history.clusters[1].entries.append(again)
        expect(history, breaks: [.onceOnly])
    }

    @Test func `an agent that tells what its cluster does not have is noticed`() {
        var history = SoundHistory().history
        // Words and database agree.
        history.clusters[1].entries[0].objects[1] = SoundHistory.object("web-1", "u2")
        expect(history, breaks: [.convergence])
    }

    @Test func `a fence that is not checked lets a woken lane count its batch again`() {
        var history = SoundHistory().history
        history.database.claims[1].consumed += 2
        history.database.claims[1].outcomes.applied += 2
        expect(history, breaks: [.offsets])
    }

    @Test func `a woken lane that is not fenced sets the claim back`() {
        var history = SoundHistory().history
        history.samples += [
            Sample(at: 3, rising: ["claim deployment.requests-0 offset": 900]),
            Sample(at: 4, rising: ["claim deployment.requests-0 offset": 850]),
        ]
        expect(history, breaks: [.facts])
    }

    @Test func `a relay that deletes before the acknowledgement leaves steps and states untold`() {
        var history = SoundHistory().history
        history.messages.removeAll { $0.id == "result-5" || $0.id == "shop/staging/web-2" }
        expect(history, breaks: [.end, .onceOnly, .convergence])
    }

    @Test func `a worker that overlooks that a run is dry does what was only asked about`() {
        var sound = SoundHistory()
        sound.request("overlooked", isDryRun: true)
        sound.answer("overlooked", "succeeded", id: "overlooked-2", command: "c-2")
        var history = sound.history
        var second = history.database.commands[0]
        (second.id, second.request, second.generation) = ("c-2", "overlooked", 2)
        history.database.commands.append(second)
        expect(history, breaks: [.end, .onceOnly])
    }

    @Test func `a worker that takes every request for a dry run does nothing`() {
        var sound = SoundHistory()
        sound.request("neglected")
        sound.answer("neglected", "planned", id: "neglected-1")
        expect(sound.history, breaks: [.end])
    }

    @Test func `a fleet that gives up whatever waits releases nothing`() {
        var history = SoundHistory().history
        history.database.claims[0].outcomes.deadLettered = 0
        history.database.claims[0].outcomes.rejected = 2
        history.database.claims[0].released = Outcomes(deadLettered: 1)
        let verdict = Verdict(history)
        #expect(verdict.violations == [])
        #expect(verdict.missing == [.parkedAndReleased])
    }

    @Test func `what agents say and are asked twice is no repeat of the inbox and no resending`() {
        var sound = SoundHistory()
        // An agent that says hello again is asked again.
        sound.ask(SoundHistory.command)
        var history = sound.history
        history.database.claims[0].outcomes.applied += history.database.claims[0].outcomes.repeated
        history.database.claims[0].outcomes.repeated = 0
        var seen: Set<String> = []
        history.messages.removeAll { $0.topic == "instance.status" && !seen.insert($0.id ?? "").inserted }
        #expect(Verdict(history).missing == [.inboxDuplicate, .outboxResend])
    }

    @Test func `a finished command that is set back to running is noticed`() {
        // Spinnaker's issue 7921: a message that came again turned finished pipelines back to running.
        var sound = SoundHistory()
        sound.step(6, "applied")
        var history = sound.history
        history.database.commands[0].state = "applied"
        expect(history, breaks: [.end, .order])
    }

    @Test(arguments: Situation.allCases)
    func `a run without a rare situation proves too little`(situation: Situation) {
        var verdict = Verdict(SoundHistory().history)
        verdict.seen[situation] = nil
        #expect(verdict.missing == [situation])
        #expect(verdict.exitCode == 2)
    }

    private func expect(_ history: History, breaks invariants: Set<Invariant>) {
        let verdict = Verdict(history)
        let broken = Set(verdict.violations.map(\.invariant))
        #expect(broken.isSuperset(of: invariants), "\(verdict.violations)")
        #expect(verdict.exitCode == 1)
    }
}
