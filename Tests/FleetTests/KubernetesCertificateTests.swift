import Foundation
import Postgres
import TestSupport
import Testing

/// Certificates on a control plane that has cert-manager's kind; what cert-manager itself would say is said in its place.
@Suite(.whereKubernetesIs, .timeLimit(.minutes(15)), .serialized)
struct KubernetesCertificateTests {
    private static let kind = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: certificates.cert-manager.io}
        spec:
          group: cert-manager.io
          scope: Namespaced
          names: {kind: Certificate, listKind: CertificateList, plural: certificates, singular: certificate}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        """

    /// Gives the control plane the kind, and waits until it serves it.
    private func install(_ folder: String) throws {
        let file = folder + "/certificates.yaml"
        try Self.kind.write(toFile: file, atomically: true, encoding: .utf8)
        let kubectl = ["kubectl", "--kubeconfig", KubernetesWorld.kubeconfig ?? ""]
        try KubernetesWorld.run(kubectl + ["apply", "-f", file])
        try KubernetesWorld.run(
            kubectl + ["wait", "--for=condition=Established", "crd/certificates.cert-manager.io", "--timeout=60s"]
        )
    }

    @Test func `a certificate is ordered from cert-manager, is done when it was issued, and goes with its deletion`()
        throws
    {
        let folder = NSTemporaryDirectory() + "slipway-certificates-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try install(folder)
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.request("certificate.request", #""certificate":"shop","domains":["shop.example"]"#)
        let names = try eventually("the order in the cluster", within: .seconds(60)) {
            try? kubernetes.value("certificates.cert-manager.io/shop", "{.spec.dnsNames[0]} {.spec.secretName}")
        }
        #expect(names == "shop.example shop-tls")
        try kubernetes.wait(
            "the command waits for cert-manager",
            "select count(*) from command where operation = 'certificate.request' and state = 'applied'",
            1
        )
        let status = """
            {"status":{"notAfter":"2027-06-01T00:00:00Z","notBefore":"2026-11-01T00:00:00Z","renewalTime":"2027-05-01T00:00:00Z",\
            "conditions":[{"type":"Ready","status":"True","reason":"Ready","message":"Certificate is up to date"}]}}
            """
        try kubernetes.kubectl([
            "-n", kubernetes.namespace, "patch", "certificates.cert-manager.io", "shop", "--subresource=status",
            "--type=merge", "-p", status,
        ])
        try kubernetes.waitForCommand("certificate.request")
        try kubernetes.request("certificate.delete", #""certificate":"shop""#)
        try kubernetes.waitForCommand("certificate.delete")
        #expect(try kubernetes.value("certificates.cert-manager.io", "{.items[*].metadata.name}") == "")
    }
}
