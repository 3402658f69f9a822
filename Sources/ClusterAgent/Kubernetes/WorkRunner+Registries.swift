import Domain
import Foundation
import Kubernetes
import Sealing

/// The secrets with which images are pulled: made before a release, and removed with the last release that names them.
extension WorkRunner {
    func applyRegistries(of request: ReleaseRequested, _ secrets: OpenedSecrets, _ turn: HelmTurn) async throws {
        for secret in request.registrySecrets ?? [] {
            guard let value = secrets[.registry(secret.name)] else { continue }
            if let owner = try await owner(ofSecret: secret.name, in: request.namespace) {
                throw WorkFailure.taken(registry: secret.name, by: owner, application: request.application)
            }
            try await applyRegistry(secret.name, value, request, turn)
        }
    }

    private func applyRegistry(
        _ name: String,
        _ value: SecretBytes,
        _ request: ReleaseRequested,
        _ turn: HelmTurn
    ) async throws {
        let text = value.withUnsafeBytes { Data($0).base64EncodedString() }
        let labels: ObjectValue = [
            Label.command: .string(request.command), Label.generation: .string(String(request.generation)),
            ObjectLabel.managedBy: "slipway",
        ]
        _ = try await apply(
            [
                "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
                "metadata": ["name": .string(name), "namespace": .string(request.namespace), "labels": labels],
                "data": [".dockerconfigjson": .string(text)],
            ],
            in: request.namespace,
            turn
        )
    }

    /// Removes secrets for pulling images that no release names any more; what is another's by now stays.
    func dropRegistries(_ names: [String], in namespace: String) async throws {
        guard !names.isEmpty, view.namespace(namespace) != nil else { return }
        let kind = try await client.requireKind("Secret", "v1")
        for name in names {
            guard let metadata = try await readMetadata(kind, namespace, name), LiveOwner(metadata: metadata) == nil,
                !isNeeded(registry: name, in: namespace)
            else { continue }
            // A release that begins now applies it first, which makes it another version.
            let version = metadata["resourceVersion"]?.string
            try await client.delete(kind, namespace: namespace, name: name, version: version)
        }
    }

    /// Whether a release names the secret, also one that is under way.
    private func isNeeded(registry name: String, in namespace: String) -> Bool {
        if view.records(in: namespace).contains(where: { $0.registries?.contains(name) == true }) { return true }
        return view.underway(in: namespace).contains { work in
            guard case .release(let request) = work else { return false }
            return request.registrySecrets?.contains { $0.name == name } == true
        }
    }

    /// Whose a secret is; `nil` where there is none, or it is nobody's, as one of a registry is.
    private func owner(ofSecret name: String, in namespace: String) async throws -> LiveOwner? {
        let kind = try await client.requireKind("Secret", "v1")
        return try await readMetadata(kind, namespace, name).flatMap(LiveOwner.init(metadata:))
    }
}
