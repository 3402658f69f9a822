/// What the cluster says of a certificate that was ordered, judged by what it said before the order; pure.
///
/// An order over a certificate that is there changes nothing of cert-manager's object by itself. As long as the object
/// says the same as before, nothing was issued, and nothing has failed anew.
enum CertificateNews {
    /// What the cluster says: which object of cert-manager it is, and its status.
    struct Said: Codable, Sendable, Hashable {
        var uid: String?
        var status: ObjectValue?

        /// What is another one with each certificate that is issued.
        fileprivate var issue: [ObjectValue?] { ["revision", "notBefore", "notAfter"].map { status?[$0] } }

        fileprivate var lastFailure: String? { status?["lastFailureTime"]?.string }

        /// What it says of the newest attempt.
        fileprivate var attempt: String? {
            let conditions = status?["conditions"]?.elements ?? []
            return conditions.first { $0["type"]?.string == "Issuing" }?["message"]?.string
        }
    }

    /// How the order stands.
    struct Standing: Sendable, Hashable {
        var health: Health
        var reason: String?
    }

    /// Decides.
    ///
    /// - Parameters:
    ///   - seen: What cert-manager's object is by itself.
    ///   - said: What the cluster says.
    ///   - before: What it said when the order was made; `nil` where nothing was there, or nobody wrote it down.
    static func standing(_ seen: Standing, _ said: Said, before: Said?) -> Standing {
        if seen.health == .healthy, said.status?["notAfter"]?.string == nil {
            // Ready, but nothing says until when.
            return Standing(health: .progressing, reason: seen.reason)
        }
        guard let before, before.uid == said.uid else { return seen }
        switch seen.health {
        case .healthy where said.issue == before.issue:
            // While the former certificate holds, cert-manager says Ready whatever becomes of the new one.
            guard let failure = said.lastFailure, failure != before.lastFailure else {
                return Standing(health: .progressing, reason: "It is still the certificate from before the order")
            }
            return Standing(health: .degraded, reason: said.attempt ?? seen.reason)
        case .degraded where said.status == before.status:
            return Standing(health: .progressing, reason: seen.reason)
        default:
            return seen
        }
    }
}
