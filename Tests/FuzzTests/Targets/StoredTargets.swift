import Domain
import Foundation

@testable import Domain

/// What the fleet keeps as JSON of what others have said, and reads again.
extension FuzzTarget {
    static let stored = [rollouts, answersOfRequests, desiredStates]

    private static let rollouts = FuzzTarget(
        "workload-status",
        text: { text in
            for kind in ["Deployment", "StatefulSet", "DaemonSet", "Job"] {
                guard let counts = RolloutCounts(kind: kind, status: text) else { continue }
                guard counts.advance >= 0 else { throw FuzzFault("a rollout has advanced by \(counts.advance)") }
            }
            _ = try? WatchedObject.list(json: Array(text.utf8))
        }
    )

    private static let answersOfRequests = FuzzTarget("request-answer", each: { _ = Answer($0)?.encoded })

    private static let desiredStates = FuzzTarget("desired-state", each: { _ = try? DesiredState(json: $0) })
}
