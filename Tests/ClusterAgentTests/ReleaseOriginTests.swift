import Domain
import Testing

@testable import ClusterAgent

/// Whether the hooks of a chart run.
struct ReleaseOriginTests {
    /// What is known of a release, and what the command `c-1` asks for over it.
    struct Case: Sendable {
        var command: String? = "c-0"
        var deployment: String?
        var isSame = true
        var wanted: String?
        var isRepair = false
        var runsHooks: Bool
    }

    static let cases: [Case] = [
        // Nobody says which deployment it is: what differs is one.
        Case(runsHooks: false), Case(isSame: false, runsHooks: true), Case(deployment: "c-0", runsHooks: false),
        Case(command: nil, isSame: false, runsHooks: true), Case(deployment: "c-0", isSame: false, runsHooks: true),
        // The release does not say it: an older agent has made it, or an older fleet had asked for it.
        Case(wanted: "c-0", runsHooks: false), Case(wanted: "c-1", runsHooks: true),
        Case(deployment: "", wanted: "c-0", runsHooks: false), Case(deployment: "", wanted: "c-1", runsHooks: true),
        Case(isSame: false, wanted: "c-0", runsHooks: true),
        // Both say it: a scaling, a redeployment, a scaling that includes a redeployment, and what goes back.
        Case(deployment: "c-0", wanted: "c-0", runsHooks: false),
        Case(deployment: "c-0", isSame: false, wanted: "c-0", runsHooks: false),
        Case(deployment: "c-0", wanted: "c-1", runsHooks: true),
        Case(deployment: "c-0", wanted: "c-9", runsHooks: true),
        // The command has made it.
        Case(command: "c-1", deployment: "c-1", wanted: "c-1", runsHooks: false),
        Case(command: "c-1", isSame: false, wanted: "c-1", runsHooks: false),
        // A repair.
        Case(deployment: "c-0", wanted: "c-1", isRepair: true, runsHooks: false),
        Case(wanted: "c-1", isRepair: true, runsHooks: false),
        Case(command: nil, isSame: false, wanted: "c-1", isRepair: true, runsHooks: true),
    ]

    @Test(arguments: cases)
    func `hooks run once for each deployment, and for nothing else`(given: Case) {
        var request = ReleaseRequested.web()
        request.deployment = given.wanted
        if given.isRepair { request.repair = true }
        let origin = ReleaseOrigin(command: given.command, deployment: given.deployment, isSame: given.isSame)
        #expect(origin.runsHooks(for: request) == given.runsHooks)
    }
}
