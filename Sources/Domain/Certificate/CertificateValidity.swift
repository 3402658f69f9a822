internal import CloudEvents

/// From when to when a certificate holds: microseconds since 1970; the end itself is outside.
struct CertificateValidity: Sendable, Hashable {
    let notBefore: Int64
    let notAfter: Int64
    /// How many days before the end to begin to warn.
    var warningDays = defaultWarningDays

    static let defaultWarningDays = 21
    private static let day: Int64 = 86_400_000_000

    /// When to begin to warn; a short life leaves its last quarter for it.
    ///
    /// cert-manager renews at two thirds of a life, so one that it renews comes into its last quarter only when
    /// something is wrong.
    var warning: Int64 {
        notAfter - min(Int64(warningDays) * Self.day, max(notAfter - notBefore, 0) / 4)
    }

    /// The state of an issued certificate at a time.
    func state(at now: Int64) -> CertificateState {
        if now >= notAfter { return .expired }
        return now >= warning ? .expiring : .active
    }

    /// A time for people.
    static func words(_ microseconds: Int64) -> String {
        RFC3339.format(microseconds: microseconds).prefix(16).replacing("T", with: " ") + " UTC"
    }
}
