/// How an object or an instance is doing; the order is Argo CD's, worst last.
public enum Health: String, Sendable, Hashable, CaseIterable, Comparable {
    /// It does what it should.
    case healthy
    /// Somebody paused it.
    case suspended
    /// Not there yet, and it still can be.
    case progressing
    /// It should be there and is not.
    case missing
    /// It failed, or did not get there in time.
    case degraded
    /// Nobody can say.
    case unknown

    /// Whether the right-hand side is worse.
    public static func < (left: Health, right: Health) -> Bool {
        left.severity < right.severity
    }

    /// Whether a rollout may end here: healthy, or paused on purpose.
    public var isSettled: Bool { self <= .suspended }

    private var severity: Int {
        switch self {
        case .healthy: 0
        case .suspended: 1
        case .progressing: 2
        case .missing: 3
        case .degraded: 4
        case .unknown: 5
        }
    }
}

/// A health with the sentence that explains it.
public struct HealthAssessment: Sendable, Hashable {
    /// How it is doing.
    public var health: Health
    /// Why, for people; `nil` where there is nothing to say.
    public var reason: String?

    /// Makes an assessment; a reason that is empty counts as none, a long one is cut.
    public init(_ health: Health, _ reason: String? = nil) {
        self.health = health
        self.reason = reason.flatMap { $0.isEmpty ? nil : Self.cut($0) }
    }

    /// Container runtimes put whole answers of registries into messages; people need the beginning.
    private static let longestReason = 500

    private static func cut(_ reason: String) -> String {
        reason.utf8.count <= longestReason ? reason : String(reason.prefix(longestReason)) + "…"
    }
}
