internal import CloudEvents

/// From when to when a certificate holds: microseconds since 1970; the end itself is outside.
struct CertificateValidity: Sendable, Hashable {
    let notBefore: Int64
    let notAfter: Int64

    private static let day: Int64 = 86_400_000_000

    /// When to begin to warn.
    ///
    /// An uploaded one: 30 days before the end, or a third of its life where that is shorter, since people need time. A
    /// requested one is renewed by cert-manager at two thirds of its life: only when half of the rest has passed as well,
    /// at most 14 days before the end, is something wrong.
    func warning(isRenewed: Bool) -> Int64 {
        let life = max(notAfter - notBefore, 0)
        return notAfter - (isRenewed ? min(14 * Self.day, life / 6) : min(30 * Self.day, life / 3))
    }

    /// The state of an issued certificate at a time.
    func state(at now: Int64, isRenewed: Bool) -> CertificateState {
        if now >= notAfter { return .expired }
        return now >= warning(isRenewed: isRenewed) ? .expiring : .active
    }

    /// When the state will change next by time alone; `nil` after the end.
    func nextChange(after now: Int64, isRenewed: Bool) -> Int64? {
        let warning = warning(isRenewed: isRenewed)
        if now < warning { return warning }
        return now < notAfter ? notAfter : nil
    }

    /// A time for people.
    static func words(_ microseconds: Int64) -> String {
        RFC3339.format(microseconds: microseconds).prefix(16).replacing("T", with: " ") + " UTC"
    }
}
