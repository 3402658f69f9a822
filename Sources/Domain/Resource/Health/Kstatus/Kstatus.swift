/// How far an object is, in the words of kstatus.
public enum Kstatus: String, Sendable, Hashable, CaseIterable {
    /// It is as it was asked for.
    case current = "Current"
    /// It is on its way there.
    case inProgress = "InProgress"
    /// It will not get there by itself.
    case failed = "Failed"
    /// Its deletion was asked for.
    case terminating = "Terminating"
    /// It is not there.
    case notFound = "NotFound"
    /// Nobody can say, because the object contradicts what is known of its kind.
    case unknown = "Unknown"
}

/// A kstatus with the sentence that explains it.
public struct KstatusAssessment: Sendable, Hashable {
    /// How far it is.
    public var status: Kstatus
    /// The code of the condition `Reconciling` or `Stalled` that kstatus derives, such as `LessReady`; else `nil`.
    public var code: String?
    /// Why, for people.
    public var reason: String?

    /// Makes an assessment; a code or a reason that is empty counts as none.
    public init(_ status: Kstatus, code: String? = nil, _ reason: String? = nil) {
        self.status = status
        self.code = code.flatMap { $0.isEmpty ? nil : $0 }
        self.reason = reason.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// What is said of an object that is not there.
    public static let notFound = KstatusAssessment(.notFound, "It is not in the cluster")

    static func inProgress(_ code: String, _ reason: String?) -> KstatusAssessment {
        KstatusAssessment(.inProgress, code: code, reason)
    }

    static func failed(_ code: String, _ reason: String?) -> KstatusAssessment {
        KstatusAssessment(.failed, code: code, reason)
    }
}
