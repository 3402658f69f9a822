internal import JSON

/// The rule for cert-manager's Certificates: one that is being issued is progressing, whatever else it says.
enum CertificateHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        if let issuing = object.condition("Issuing", "True") {
            return HealthAssessment(.progressing, issuing["message"]?.string)
        }
        return object.readiness ?? HealthAssessment(.progressing, "Waiting for the certificate")
    }
}

/// The rule for cert-manager's Issuers and ClusterIssuers.
enum IssuerHealth {
    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        object.readiness ?? HealthAssessment(.progressing, "Waiting for the issuer")
    }
}

extension KubernetesObject {
    /// What the first condition `Ready` says that is true or false; `nil` without one.
    fileprivate var readiness: HealthAssessment? {
        let ready = status?["conditions"]?.first {
            $0["type"]?.equals("Ready") == true && $0["status"]?.isOne(of: ["True", "False"]) == true
        }
        guard let ready else { return nil }
        return HealthAssessment(ready.isTrueCondition ? .healthy : .degraded, ready["message"]?.string)
    }
}
