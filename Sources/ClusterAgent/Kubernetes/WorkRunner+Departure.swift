import Domain
import Kubernetes

/// Objects of releases that are on their way out: what is applied over them goes along.
extension WorkRunner {
    /// How long what was uninstalled may take to go away before the release is installed again.
    private static let departureLimit = Duration.seconds(60)
    /// How long what is going away may hold up an installation: what holds it, such as a pod that ends, takes its time.
    private static let terminationLimit = Duration.seconds(240)

    /// Whether a removal has got further than to the hooks that come first: something is on its way out, or nothing is left.
    ///
    /// That a single object is gone says nothing: somebody may have removed it by hand.
    func isLeaving(_ release: String, in namespace: String, for work: ClusterWork) async throws -> Bool {
        var isAnyThere = false
        for reference in references(of: release, in: namespace, for: work) {
            guard let metadata = try await read(reference, in: namespace)?["metadata"],
                metadata.path("annotations", "helm.sh/resource-policy") != "keep"
            else { continue }
            if metadata["deletionTimestamp"] == nil {
                isAnyThere = true
            } else if reference.kind != "Job" {
                // A Job may just be cleaning itself away.
                return true
            }
        }
        return !isAnyThere
    }

    /// What a release consists of: what its newest command has applied, and what is seen of it.
    private func references(
        of release: String,
        in namespace: String,
        for work: ClusterWork
    ) -> [PostRenderer.Reference] {
        let applied = (view.record(of: work.subject)?.objects ?? []).map { object in
            PostRenderer.Reference(
                apiVersion: object.apiVersion,
                kind: object.kind,
                name: object.name,
                namespace: object.namespace.isEmpty ? nil : object.namespace
            )
        }
        let seen = view.objects(of: release, in: namespace)
            .filter { $0.owner == nil && $0.labels[Label.command] != nil && $0.annotations["helm.sh/hook"] == nil }
            .map { object in
                PostRenderer.Reference(
                    apiVersion: object.apiVersion,
                    kind: object.id.kind,
                    name: object.id.name,
                    namespace: namespace
                )
            }
        let known = Set(applied.map { "\($0.kind)/\($0.name)" })
        return applied + seen.filter { !known.contains("\($0.kind)/\($0.name)") }
    }

    /// Waits until what was uninstalled a moment ago is gone.
    func waitForDeparture(of release: String, in namespace: String, _ turn: HelmTurn) async throws {
        _ = try await turn.wait(Self.departureLimit) {
            let objects = view.objects(of: release, in: namespace)
            let isClaimed = objects.contains { $0.id.kind == "PersistentVolumeClaim" && $0.deletedAt != nil }
            return Self.areGone(objects) && !isClaimed
        }
    }

    /// Waits for what is on its way out before helm takes it for the release's own: a claim, say, that a pod still holds.
    ///
    /// What has an owner is nothing that helm applies; a hook it makes anew by itself.
    func waitForTerminating(of release: String, in namespace: String, _ turn: HelmTurn) async throws {
        var going: ClusterObject?
        _ = try await turn.wait(Self.terminationLimit) {
            going = view.objects(of: release, in: namespace).first { object in
                object.owner == nil && object.deletedAt != nil && object.annotations["helm.sh/hook"] == nil
            }
            return going == nil
        }
        if let going {
            throw WorkFailure(
                code: "objects_terminating",
                message: "The \(going.id.kind) '\(going.id.name)' of the release before is still going away; "
                    + "what holds it, such as a pod or a finalizer, has to let go of it first."
            )
        }
    }
}
