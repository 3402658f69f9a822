import WorkerRuntime

/// The life of an object whatever its concept: what the two tables of states say, in one form; pure.
enum ObjectLife {
    /// What happens to an object.
    enum Event: Sendable, Hashable {
        case accepted(ObjectOperation)
        /// Its command succeeded; of a certificate, with the time for which it holds.
        case succeeded(ObjectOperation, CertificateValidity?)
        case failed(ObjectOperation)
        /// Its command was taken back before the agent took it, and what was there before is known.
        case canceled(ObjectOperation)
        /// The cluster did what the newest command says after that had ended otherwise.
        case succeededLate(ObjectOperation, CertificateValidity?)
    }

    /// What of an object decides.
    struct Standing: Sendable, Hashable {
        let concept: ObjectConcept
        /// The stored word; `nil` where there was never an object of the name.
        let state: String?
        /// Of a certificate that was issued.
        var validity: CertificateValidity?
    }

    static let deleted = ObjectState.deleted.rawValue

    /// The state after an event; `nil` where the event cannot happen in the state, which moves nothing.
    static func next(_ object: Standing, _ event: Event, now: Int64) -> String? {
        guard object.concept == .certificate else {
            let state = object.state.flatMap(ObjectState.init(rawValue:))
            return switch event {
            case .accepted(let operation): ObjectState.next(state, .accepted(operation))?.rawValue
            case .succeeded(let operation, _): ObjectState.next(state, .succeeded(operation))?.rawValue
            case .failed(let operation): ObjectState.next(state, .failed(operation))?.rawValue
            case .canceled(let operation): ObjectState.next(state, .canceled(operation))?.rawValue
            case .succeededLate(let operation, _): ObjectState.next(state, .succeededLate(operation))?.rawValue
            }
        }
        return certificate(object, event, now)
    }

    private static func certificate(_ object: Standing, _ event: Event, _ now: Int64) -> String? {
        let state = object.state.flatMap(CertificateState.init(rawValue:))
        if case .accepted(.create) = event {
            return CertificateState.mayBeMade(in: state) ? CertificateState.applying.rawValue : nil
        }
        guard let state else { return nil }
        let move: CertificateState.Move? =
            switch event {
            case .accepted(.delete): CertificateState.next(state, .deletionAccepted)
            case .accepted: nil
            case .succeeded(.delete, _): CertificateState.next(state, .deletionSucceeded)
            case .succeeded(_, let validity?): CertificateState.next(state, .issued(validity, now: now))
            // Healthy by its own word, but nothing says from when to when it holds.
            case .succeeded(_, nil): CertificateState.next(state, .notIssued(object.validity, now: now))
            case .failed(.delete), .canceled(.delete):
                CertificateState.next(state, .deletionFailed(object.validity, now: now))
            case .failed, .canceled: CertificateState.next(state, .notIssued(object.validity, now: now))
            case .succeededLate(.delete, _): .removed
            case .succeededLate(_, let validity?): CertificateState.next(state, .issued(validity, now: now))
            case .succeededLate: nil
            }
        return switch move {
        case .to(let next): next.rawValue
        case .removed: deleted
        case nil: nil
        }
    }

    /// Refuses an operation that the state does not allow, and says why.
    static func check(_ operation: ObjectOperation, _ object: Standing, _ name: String) throws(Reason) {
        guard next(object, .accepted(operation), now: 0) == nil else { return }
        switch (object.state, operation) {
        case (nil, _), (deleted, _): throw ObjectRefusal.unknown(object.concept, name)
        case (ObjectState.deleting.rawValue, _): throw ObjectRefusal.deleting(object.concept, name, operation)
        default: throw ObjectRefusal.taken(object.concept, name)
        }
    }
}
