import Domain

/// What a Lease object says.
struct LeaseRecord: Sendable, Equatable {
    /// Who holds it; empty where it was given back.
    var holder: String
    /// The object's version: it changes with each renewal.
    var version: String

    init(holder: String, version: String) {
        (self.holder, self.version) = (holder, version)
    }

    /// Reads a Lease of `coordination.k8s.io/v1`.
    init(_ object: ObjectValue) {
        holder = object.path("spec", "holderIdentity")?.string ?? ""
        version = object.path("metadata", "resourceVersion")?.string ?? ""
    }
}

/// Who may hold a lease, judged by this process's own clock alone: the one that holds it until it was not renewed for as
/// long as the lease lasts.
///
/// Times that others wrote are not compared with, because their clocks may be wrong.
struct LeaseObservation: Sendable {
    /// What to do next.
    enum Step: Sendable, Equatable {
        /// Write oneself into it.
        case take
        /// Renew it: it is one's own.
        case keep
        /// Look again later.
        case wait(holder: String)
    }

    /// How long a lease lasts that is not renewed.
    let duration: Duration
    /// What was found last; `nil` where there is no lease.
    private(set) var record: LeaseRecord?
    private var unchangedSince: ContinuousClock.Instant

    init(duration: Duration, now: ContinuousClock.Instant) {
        self.duration = duration
        unchangedSince = now
    }

    /// Notes what was found.
    mutating func observe(_ found: LeaseRecord?, at now: ContinuousClock.Instant) {
        if found != record { unchangedSince = now }
        record = found
    }

    /// What somebody of this name should do.
    func step(for identity: String, at now: ContinuousClock.Instant) -> Step {
        guard let record, !record.holder.isEmpty else { return .take }
        if record.holder == identity { return .keep }
        return now - unchangedSince >= duration ? .take : .wait(holder: record.holder)
    }
}
