import WorkerRuntime

/// The life of a certificate; one that was never made or is deleted has no state.
enum CertificateState: String, Sendable, Hashable, CaseIterable {
    /// Written to the cluster, or ordered, and not there yet.
    case applying
    case active
    /// Still good, and ending soon without having been renewed.
    case expiring
    case expired
    /// Never issued, or not applied.
    case failed
    case deleting

    /// What happens to it.
    ///
    /// Times are microseconds since 1970.
    enum Event: Sendable, Hashable {
        /// The cluster holds it, for the first time or anew.
        case issued(CertificateValidity, now: Int64)
        /// It was not issued or applied, or not renewed; what is known of the one that was there before, where there
        /// was one, decides what it goes back to.
        case notIssued(CertificateValidity?, now: Int64)
        /// Time has passed.
        case looked(CertificateValidity, now: Int64)
        case deletionAccepted
        /// What is known of the certificate, where it had been issued, decides what it goes back to.
        case deletionFailed(CertificateValidity?, now: Int64)
        case deletionSucceeded
    }

    /// What an event leads to.
    enum Move: Sendable, Hashable {
        case to(CertificateState)
        /// Its row goes.
        case removed
    }

    /// What an event leads to; `nil` where it cannot happen in the state, which moves nothing.
    static func next(_ state: CertificateState, _ event: Event) -> Move? {
        switch (state, event) {
        case (.deleting, .deletionSucceeded): .removed
        case (.deleting, .deletionFailed(let validity, let now)):
            .to(validity?.state(at: now) ?? .failed)
        case (.deleting, _), (_, .deletionFailed), (_, .deletionSucceeded): nil
        case (_, .deletionAccepted): .to(.deleting)
        case (_, .issued(let validity, let now)): .to(validity.state(at: now))
        case (.applying, .notIssued(let former, let now)): .to(former?.state(at: now) ?? .failed)
        // A renewal that fails takes nothing from the certificate that is there: its time does.
        case (_, .notIssued): nil
        case (.active, .looked(let validity, let now)), (.expiring, .looked(let validity, let now)):
            move(from: state, to: validity.state(at: now))
        case (_, .looked): nil
        }
    }

    /// Time leads one way only.
    private static func move(from state: CertificateState, to later: CertificateState) -> Move? {
        switch (state, later) {
        case (.active, .expiring), (.active, .expired), (.expiring, .expired): .to(later)
        default: nil
        }
    }

    /// Whether a certificate of the name may be ordered or uploaded: a new one, or anew where the one that was there is
    /// no good for long.
    static func mayBeMade(in state: CertificateState?) -> Bool {
        switch state {
        case nil, .expiring, .expired, .failed: true
        case .applying, .active, .deleting: false
        }
    }

    /// Whether domains may be served with it.
    var isUsable: Bool { self == .active || self == .expiring }
}
