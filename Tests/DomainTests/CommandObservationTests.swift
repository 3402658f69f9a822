import Testing
import WorkerRuntime

@testable import Domain

/// Success is observed, not claimed.
@Suite struct CommandObservationTests {
    let applied = [
        AppliedObject.of("Deployment", uid: "u1"), AppliedObject.of("Service", uid: "u2", generation: 0),
    ]

    func deployment(uid: String = "u1", observed: Int64 = 3, _ health: Health = .healthy) -> ObservedObject {
        .of("Deployment", uid: uid, observed: observed, health)
    }
    let service = ObservedObject.of("Service", uid: "u2", .progressing)

    func windows(_ stored: [ObservedObject], sign: Reason? = nil, before: CommandWindows = CommandWindows())
        -> CommandWindows
    {
        CommandObservation.windows(applied: applied, stored: stored, sign: sign, before: before, now: 100)
    }

    @Test func `all gating objects healthy at the applied generation begin the settling time`() {
        #expect(windows([deployment(), service]).healthySince == 100)
    }

    @Test func `the window is kept from its beginning`() {
        var before = CommandWindows()
        before.healthySince = 7
        #expect(windows([deployment(), service], before: before).healthySince == 7)
    }

    @Test func `the old generation's health is not the new one's`() {
        #expect(windows([deployment(observed: 2), service]).healthySince == nil)
    }

    @Test func `another object of the same name is not the one that was applied`() {
        #expect(windows([deployment(uid: "other"), service]).healthySince == nil)
    }

    @Test func `an object that is not stored yet is waited for`() {
        #expect(windows([deployment()]).healthySince == nil)
    }

    @Test func `a Job that was there and was cleaned away after its end is not waited for`() {
        func window(_ kind: String, _ health: Health?, before: CommandWindows = CommandWindows()) -> Int64? {
            let object = AppliedObject.of(kind, "once", uid: "u3", generation: 1)
            let seen = health.map { ObservedObject.of(kind, "once", uid: "u3", $0) }
            return CommandObservation.windows(
                applied: [object],
                stored: seen.map { [$0] } ?? [],
                sign: nil,
                before: before,
                now: 100
            ).healthySince
        }
        var failed = CommandWindows()
        (failed.failing, failed.failingSince) = (
            Reason(code: "degraded", sentence: "Job once is degraded: it failed."), 7
        )
        #expect(window("Job", .missing, before: failed) == nil, "how it ended was seen")
        #expect(window("Job", .missing) == 100)
        #expect(window("Job", .progressing) == nil && window("Job", nil) == nil)
        #expect(window("Deployment", .missing) == nil)
    }

    @Test func `a service without an address does not gate`() {
        #expect(windows([deployment(), service]).healthySince != nil)
    }

    @Test(arguments: [
        (Health.progressing, Health.healthy, true), (.progressing, .suspended, true),
        (.progressing, .progressing, false), (.healthy, .healthy, true),
        (.degraded, .healthy, false), (.unknown, .healthy, false),
    ])
    func `a claim that waits for its first pod holds nobody, but for whom its pod is waited for`(
        claim: Health,
        workload: Health,
        isReached: Bool
    ) {
        let after = CommandObservation.windows(
            applied: applied + [.of("PersistentVolumeClaim", uid: "u3", generation: 0)],
            stored: [deployment(workload), service, .of("PersistentVolumeClaim", uid: "u3", claim)],
            sign: nil,
            before: CommandWindows(),
            now: 100
        )
        #expect((after.healthySince != nil) == isReached)
        #expect((after.failing != nil) == (claim == .degraded))
    }

    @Test func `a break ends the window`() {
        var before = CommandWindows()
        before.healthySince = 7
        #expect(windows([deployment(.progressing), service], before: before).healthySince == nil)
    }

    @Test func `a sign or a degraded object begins the failing time with its reason`() {
        let sign = Reason(code: "image_pull", sentence: "No image.")
        #expect(windows([deployment(.progressing), service], sign: sign).failing == sign)
        #expect(windows([deployment(.degraded), service]).failing?.code == "degraded")
        #expect(windows([deployment(.degraded), service]).failingSince == 100)
    }

    @Test func `a release without objects is healthy at once`() {
        let nothing = CommandObservation.windows(applied: [], stored: [], sign: nil, before: CommandWindows(), now: 100)
        #expect(nothing.healthySince == 100)
    }
}
