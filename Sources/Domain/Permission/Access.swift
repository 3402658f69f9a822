import WorkerRuntime

/// Who may do something.
enum Access: Sendable, Hashable, CaseIterable {
    /// Whoever runs the platform: makes projects and registers clusters.
    case administrator
    /// Who owns the project: manages its environments, applications and permissions.
    case owner
    /// Who may work in the environment: an owner, or a member that it is assigned to.
    case member
}

/// What somebody is, where a request acts.
struct Standing: Sendable, Hashable {
    /// Runs the platform.
    var isAdministrator: Bool
    /// Owns the project.
    var isOwner: Bool
    /// Is a member to whom the environment is assigned.
    var isAssigned: Bool

    /// Makes a standing.
    init(isAdministrator: Bool = false, isOwner: Bool = false, isAssigned: Bool = false) {
        self.isAdministrator = isAdministrator
        self.isOwner = isOwner
        self.isAssigned = isAssigned
    }

    /// Whether this is enough; pure.
    func allows(_ access: Access) -> Bool {
        switch access {
        case .administrator: isAdministrator
        case .owner: isAdministrator || isOwner
        case .member: isAdministrator || isOwner || isAssigned
        }
    }
}

extension Reason {
    /// Says the same whether the place exists or not, so that nobody learns what there is.
    static func notPermitted(_ caller: String, _ operation: String, at place: RequestPlace, needs access: Access)
        -> Reason
    {
        let who =
            access == .administrator ? "an administrator, whom SLIPWAY_ADMINISTRATORS names" : "an owner of the project"
        return Reason(
            code: "not_permitted",
            sentence: "'\(caller.prefix(80))' may not do '\(operation)' in '\(place.key.prefix(120))'; ask \(who)."
        )
    }
}
