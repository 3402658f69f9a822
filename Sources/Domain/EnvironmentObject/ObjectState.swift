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
    /// Its newest command is on its way to the cluster.
    case operating
    case running
    case failed
    /// Its deletion is on its way to the cluster.
    case deleting
    case deleted

    /// What happens to it.
    enum Event: Sendable, Hashable {
        case accepted(ObjectOperation)
        case succeeded(ObjectOperation)
        case failed(ObjectOperation)
        /// Its command was taken back before the agent took it, and what was there before is known.
        case canceled(ObjectOperation)
        /// The cluster did what the newest command says after that had ended otherwise.
        case succeededLate(ObjectOperation)
    }

    /// The state after an event; `nil` where the event cannot happen in the state, which moves nothing.
    ///
    /// A newer edit or deletion includes one that is on its way and takes its place. A failed edit or deletion is
    /// `failed` too: the cluster may hold the old object, the new one or half of it. From there it can be edited and
    /// deleted, so that nothing is stuck. One that was taken back leaves what was there before.
    static func next(_ state: ObjectState?, _ event: Event) -> ObjectState? {
        switch (state, event) {
        case (nil, .accepted(.create)), (.deleted, .accepted(.create)): .operating
        case (.operating, .accepted(.edit)), (.running, .accepted(.edit)), (.failed, .accepted(.edit)): .operating
        case (.operating, .accepted(.delete)), (.running, .accepted(.delete)), (.failed, .accepted(.delete)): .deleting
        case (.operating, .succeeded(.create)), (.operating, .succeeded(.edit)): .running
        case (.deleting, .succeeded(.delete)): .deleted
        case (.operating, .failed), (.deleting, .failed): .failed
        case (.operating, .canceled(.edit)), (.deleting, .canceled(.delete)): .running
        case (.failed, .succeededLate(.delete)), (.running, .succeededLate(.delete)): .deleted
        case (.failed, .succeededLate), (.running, .succeededLate): .running
        default: nil
        }
    }
}

/// The reasons for which an operation on an object is refused, whatever its concept.
enum ObjectRefusal {
    static func unknown(_ concept: ObjectConcept, _ name: String) -> Reason {
        Reason(
            code: "unknown_\(concept.code)",
            sentence: "The \(concept.words) '\(name)' does not exist; create it first.",
            field: concept.field
        )
    }

    static func taken(_ concept: ObjectConcept, _ name: String) -> Reason {
        Reason(
            code: "already_exists",
            sentence: "The \(concept.words) '\(name)' exists already; \(concept == .certificate ? "" : "edit it, or ")"
                + "choose another name.",
            field: concept.field
        )
    }

    static func deleting(_ concept: ObjectConcept, _ name: String, _ operation: ObjectOperation) -> Reason {
        Reason(
            code: "being_deleted",
            sentence:
                "The \(concept.words) '\(name)' is being deleted and cannot be \(operation.participle) meanwhile; "
                + "try again when that has ended.",
            field: concept.field
        )
    }

    static func unchanged(_ concept: ObjectConcept, _ name: String) -> Reason {
        Reason(
            code: "no_change",
            sentence: "The \(concept.words) '\(name)' is to be just that already; nothing would change.",
            field: concept.field
        )
    }
}

extension ObjectConcept {
    /// The name of the field that names an object of the concept.
    var field: String { self == .configMap ? "configMap" : rawValue }
    /// The concept within codes of reasons.
    var code: String { rawValue.replacing("-", with: "_") }
}
