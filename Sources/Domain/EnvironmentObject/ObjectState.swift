import WorkerRuntime

/// What somebody asks to be done with a network, domain, config map or secret.
enum ObjectOperation: String, Sendable, Hashable, CaseIterable {
    case create
    case edit
    case delete

    var participle: String {
        switch self {
        case .create: "created"
        case .edit: "edited"
        case .delete: "deleted"
        }
    }
}

/// The life of a network, domain, config map or secret; an object that was never made has no state.
///
/// A deleted one may be created again under its name; its revisions go on.
enum ObjectState: String, Sendable, Hashable, CaseIterable {
    case operating
    case running
    case failed
    case deleted

    /// What happens to it.
    enum Event: Sendable, Hashable {
        case accepted(ObjectOperation)
        case succeeded(ObjectOperation)
        case failed(ObjectOperation)
    }

    /// The state after an event; `nil` where the event cannot happen in the state, which moves nothing.
    ///
    /// A failed edit or deletion is `failed` too: the cluster may hold the old object, the new one or half of it. From
    /// there it can be edited and deleted, so that nothing is stuck. A success that comes when the command has already
    /// ended finds a state other than `operating` and moves nothing.
    static func next(_ state: ObjectState?, _ event: Event) -> ObjectState? {
        switch (state, event) {
        case (nil, .accepted(.create)), (.deleted, .accepted(.create)): .operating
        case (.running, .accepted(.edit)), (.running, .accepted(.delete)): .operating
        case (.failed, .accepted(.edit)), (.failed, .accepted(.delete)): .operating
        case (.operating, .succeeded(.create)), (.operating, .succeeded(.edit)): .running
        case (.operating, .succeeded(.delete)): .deleted
        case (.operating, .failed): .failed
        default: nil
        }
    }

    /// Refuses an operation that the state does not allow.
    static func check(
        _ operation: ObjectOperation,
        in state: ObjectState?,
        _ concept: ObjectConcept,
        _ name: String
    ) throws(Reason) {
        guard next(state, .accepted(operation)) == nil else { return }
        let field = concept == .configMap ? "configMap" : concept.rawValue
        let subject = "The \(concept.words) '\(name)'"
        switch (state, operation) {
        case (nil, _), (.deleted, _):
            throw Reason(
                code: "unknown_\(concept.rawValue.replacing("-", with: "_"))",
                sentence: "\(subject) does not exist; create it first.",
                field: field
            )
        case (_, .create):
            throw Reason(
                code: "name_taken",
                sentence: "\(subject) exists already; edit it, or choose another name.",
                field: field
            )
        default:
            throw Reason(
                code: "object_busy",
                sentence: "\(subject) cannot be \(operation.participle) while another operation on it is in progress; "
                    + "try again when that has ended.",
                field: field
            )
        }
    }
}
