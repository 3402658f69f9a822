import Domain
import Foundation
import Kubernetes

/// Certificates that are ordered anew.
extension WorkRunner {
    /// Has cert-manager issue a certificate anew; one that is new, or is wanted otherwise now, it issues by itself.
    ///
    /// - Parameters:
    ///   - certificate: As it is after it was applied.
    ///   - before: Its metadata before that; `nil` where it was not there.
    func renew(_ certificate: ObjectValue, before: ObjectValue?, in namespace: String) async throws {
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
        guard let before, let metadata = certificate["metadata"], before["uid"] == metadata["uid"],
            before["generation"] == metadata["generation"], let name = metadata["name"]?.string,
            let apiVersion = certificate["apiVersion"]?.string,
            let conditions = CertificateRenewal.conditions(of: certificate, now: now)
        else { return }
        var members: ObjectValue = ["status": ["conditions": .array(conditions)]]
        // Conditions that cert-manager has changed meanwhile are not written over: the server says so, and all is done again.
        members["metadata"] = ["resourceVersion": metadata["resourceVersion"] ?? .null]
        let kind = try await client.requireKind("Certificate", apiVersion)
        _ = try await client.patch(members.json, kind, namespace: namespace, name: name, subresource: "status")
    }
}
