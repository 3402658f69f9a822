import Domain

/// How cert-manager is asked to issue a certificate anew that is as it was: by a condition, as `cmctl renew` sets it.
enum CertificateRenewal {
    private static let type = "Issuing"

    /// The certificate's conditions with that one; `nil` where it is being issued already.
    ///
    /// - Parameter now: Microseconds since 1970.
    static func conditions(of certificate: ObjectValue, now: Int64) -> [ObjectValue]? {
        let conditions = certificate.path("status", "conditions")?.elements ?? []
        let isIssuing = conditions.contains { $0["type"]?.string == type && $0["status"]?.string == "True" }
        guard !isIssuing else { return nil }
        var wanted: ObjectValue = [
            "type": .string(type), "status": "True", "reason": "ManuallyTriggered",
            "message": "Certificate re-issuance manually triggered",
            "lastTransitionTime": .string(ClusterObject.time(now)),
        ]
        wanted["observedGeneration"] = certificate.path("metadata", "generation")
        return conditions.filter { $0["type"]?.string != type } + [wanted]
    }
}

extension ObjectsRequested {
    /// Whether a certificate is issued anew: what is only put back is not.
    var isRenewal: Bool { renew == true && repair != true }
}
