import Domain
import Foundation

@testable import ClusterAgent
@testable import Kubernetes

/// What the Kubernetes API, helm and credential programs say to an agent.
extension FuzzTarget {
    static let kubernetes = [objects, lists, changes, discovery, answers, credential, rendered, complaints]

    private static let kinds =
        WatchedKind.usual + [
            WatchedKind("cert-manager.io/v1", "Certificate"), WatchedKind("example.org/v1", "Other"),
        ]

    /// All that an agent makes of one object, whatever kind was asked for.
    private static func read(_ object: ObjectValue) {
        for kind in kinds { if let read = ClusterObject(object, of: kind) { _ = (read.json, read.goneJSON) } }
        _ = (AppliedObject(object), LeaseRecord(object), MarkRecord(configMap: object), OwnedFields.digest(of: object))
        _ = KubernetesEvent(object) { $0.name }
        _ = object["metadata"].map { LiveOwner(metadata: $0) }
    }

    private static let objects = FuzzTarget(
        "kubernetes-object",
        each: { bytes in
            if let object = try? ObjectValue(answer: bytes) { read(object) }
        }
    )

    private static let lists = FuzzTarget(
        "kubernetes-list",
        each: { bytes in
            guard let page = try? ObjectValue(answer: bytes) else { return }
            for item in page["items"]?.elements ?? [] { read(item) }
            _ = (page.path("metadata", "resourceVersion")?.string, page.path("metadata", "continue")?.string)
        }
    )

    private static let changes = FuzzTarget(
        "kubernetes-watch",
        each: { bytes in
            guard let change = try? ObjectValue(answer: bytes), let object = change["object"] else { return }
            _ = (change["type"]?.string, object["code"]?.int)
            read(object)
        }
    )

    private static let discovery = FuzzTarget(
        "kubernetes-discovery",
        each: { bytes in
            for kind in KubernetesDiscovery.kinds(in: bytes, of: "apps/v1") {
                _ = kind.path(namespace: "shop", name: "web")
            }
        }
    )

    /// Answers other than 200: what the error says goes into logs and reasons.
    private static let answers = FuzzTarget(
        "kubernetes-status",
        each: { bytes in
            let error = KubernetesError(status: 500, body: bytes)
            guard error.message.count <= 1000 else { throw FuzzFault("an error's message is too long") }
            _ = (error.isDenied, error.isRetriable, "\(error)")
        }
    )

    private static let credential = FuzzTarget("exec-credential") {
        let program = CredentialProgram(
            command: "a",
            arguments: [],
            environment: [:],
            apiVersion: "client.authentication.k8s.io/v1"
        )
        return { bytes in _ = try? program.read(bytes) }
    }

    private static let release = ReleaseRequested(
        command: "c-1",
        generation: 4,
        namespace: "shop",
        instance: "web",
        application: "web",
        version: "1.0.0",
        image: nil,
        chart: nil,
        values: "",
        deadline: "2026-11-27T17:18:42Z",
        replicas: ["Deployment/web": 3],
        restart: "2026-11-27T17:18:42Z",
        registrySecrets: [RegistrySecret(name: "pull", sealed: "")]
    )

    /// What helm has rendered, as the post-renderer reads it.
    private static let rendered = FuzzTarget("rendered") {
        let mark = CommandMark(command: "c-0", generation: 3)
        let renderer = PostRenderer(marking: ReleaseMarking(release, template: mark, jobs: ["job": ["a"]]))
        return { bytes in
            do throws(ManifestError) {
                let text = try renderer.render(String(decoding: bytes, as: UTF8.self)).text
                _ = try ObjectValue.documents(yaml: text)
            } catch {
                guard !error.sentence.isEmpty else { throw FuzzFault("a refused release has no sentence") }
            }
        }
    }

    private static let complaints = FuzzTarget("helm-complaint") {
        let request = release
        return { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            let failures = [
                HelmComplaint(text, of: request).failure, HelmComplaint(removal: text).failure,
                HelmComplaint(wayBack: text).failure,
                HelmComplaint(repository: HelmRun.End(code: 1, output: bytes, complaint: text)).failure,
            ]
            for failure in failures where failure.message.count > 700 {
                throw FuzzFault("'\(failure.code)' has a message of \(failure.message.count) characters")
            }
            _ = HelmComplaint.isOfNoRelease(text)
        }
    }
}
