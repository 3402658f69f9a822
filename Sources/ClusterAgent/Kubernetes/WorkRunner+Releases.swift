import Domain
import Foundation
import Kubernetes
import Logging
import Sealing

/// Releases: installed, upgraded and removed with helm.
extension WorkRunner {
    /// How long the objects of a removed release may take to go away.
    private static let removalLimit = Duration.seconds(900)

    func release(
        _ request: ReleaseRequested,
        _ work: ClusterWork,
        _ secrets: OpenedSecrets,
        _ isWanted: @escaping @Sendable () -> Bool
    ) async throws {
        try requireNamespace(request.namespace)
        let turn = turn(of: work, isWanted)
        let revisions = try await repair(request.instance, in: request.namespace, for: work, turn)
        let before = view.record(of: work.subject)
        let former = revisions.isEmpty ? nil : before?.template
        let template = Self.template(of: work, ReleaseForm(request), before: former)
        // From here on its secrets for pulling images are needed: no other release takes them along.
        view.begin(work)
        defer { view.end(work) }
        try await applyRegistries(of: request, secrets, turn)
        let references = try await deploy(request, secrets, as: template, over: revisions, before, turn)
        var record = record(of: work)
        for object in try await read(references, in: request.namespace, for: work, isWanted) { try record.add(object) }
        record.template = template
        record.registries = (request.registrySecrets ?? []).map(\.name)
        // Helm has done it: its hooks are not run again because the server is busy now.
        try await insist(on: work, isWanted) { [record] in
            try await marks.keep(record)
            try await dropRegistries(before?.registries ?? [], in: request.namespace)
        }
    }

    /// Has helm do what is asked for; returns the objects that the release then consists of.
    ///
    /// What it has done for this command before it does not do again, hooks least of all: the agent may have died, or its
    /// server may have been away, before that was noted.
    private func deploy(
        _ request: ReleaseRequested,
        _ secrets: OpenedSecrets,
        as template: MarkRecord.Template,
        over revisions: [Revision],
        _ before: MarkRecord?,
        _ turn: HelmTurn
    ) async throws -> [PostRenderer.Reference] {
        let made = revisions.last.flatMap { $0.isDeployed && $0.command == request.command ? $0 : nil }
        if let made, request.repair != true {
            logger.notice("notes the release '\(request.instance)': its command has made the revision \(made.number)")
            return try await helm.references(
                of: request.instance,
                revision: made.number,
                in: request.namespace,
                turn
            )
        }
        // A failed one was put back, or is tried again: what runs is what came to its end last.
        let present = revisions.last { $0.isDeployed }
        let origin = ReleaseOrigin(
            command: made?.command,
            deployment: present?.deployment,
            isSame: !revisions.isEmpty && before?.template?.content == template.content
        )
        // What an attempt has applied that was cut off carries its mark; helm was made to forget it.
        let objects = view.objects(of: request.instance, in: request.namespace)
        return try await helm.deploy(
            request,
            secrets: secrets,
            template: CommandMark(command: template.command, generation: template.generation),
            jobs: try await pullSecretsOfJobs(before?.objects ?? [], in: request.namespace),
            withHooks: origin.runsHooks(for: request),
            hasBegun: objects.contains { $0.labels[Label.command] == request.command },
            turn
        )
    }

    func remove(
        _ request: RemovalRequested,
        _ work: ClusterWork,
        _ isWanted: @escaping @Sendable () -> Bool
    ) async throws {
        let before = view.record(of: work.subject)
        if view.namespace(request.namespace) != nil {
            let turn = turn(of: work, isWanted)
            try await repair(request.instance, in: request.namespace, for: work, turn)
            view.begin(work)
            defer { view.end(work) }
            try await helm.uninstall(request.instance, in: request.namespace, turn)
            try await removeForgotten(request)
            let isGone = try await wait(Self.removalLimit) {
                Self.areGone(view.objects(of: request.instance, in: request.namespace))
            }
            guard isGone else {
                throw WorkFailure(code: "uninstall_failed", message: "Objects of the release do not go away.")
            }
        }
        // Begun anew, it would not know any more which secrets it leaves behind.
        try await insist(on: work, isWanted) {
            try await marks.keep(record(of: work))
            try await dropRegistries(before?.registries ?? [], in: request.namespace)
        }
    }

    /// Removes what helm does not remember: what an attempt had brought whose way back has failed.
    ///
    /// Hooks, claims and what is to be kept stay, as they do with helm; what has an owner goes with it.
    private func removeForgotten(_ request: RemovalRequested) async throws {
        for object in view.objects(of: request.instance, in: request.namespace)
        where object.owner == nil && object.deletedAt == nil && object.labels[Label.command] != nil
            && !Self.areGone([object])
        {
            let kind = try await client.requireKind(object.id.kind, object.apiVersion)
            try await client.delete(kind, namespace: request.namespace, name: object.id.name)
        }
    }

    /// Claims of a StatefulSet keep its data; hooks, and what is to be kept, are helm's to remove or to leave, with all
    /// that belongs to them.
    static func areGone(_ objects: [ClusterObject]) -> Bool {
        var kept = Set(objects.filter(isKept).map(\.uid))
        var rest = objects.filter { $0.id.kind != "PersistentVolumeClaim" && !kept.contains($0.uid) }
        while true {
            let theirs = rest.filter { $0.owner.map { kept.contains($0.uid) } ?? false }
            guard !theirs.isEmpty else { return rest.isEmpty }
            kept.formUnion(theirs.map(\.uid))
            rest.removeAll { kept.contains($0.uid) }
        }
    }

    private static func isKept(_ object: ClusterObject) -> Bool {
        object.annotations["helm.sh/hook"] != nil || object.annotations["helm.sh/resource-policy"] == "keep"
    }

    /// Pods that would only be scaled keep the marks that they have; pods that are not there take new ones.
    private static func template(
        of work: ClusterWork,
        _ form: ReleaseForm,
        before: MarkRecord.Template?
    ) -> MarkRecord.Template {
        let digits = String(form.template, radix: 16)
        var template = MarkRecord.Template(
            command: work.mark.command,
            generation: work.mark.generation,
            content: String(form.content, radix: 16),
            form: digits,
            isStopped: form.isStopped
        )
        if let before, before.form == digits, !before.isStopped {
            (template.command, template.generation) = (before.command, before.generation)
        }
        return template
    }

    /// Reads the objects of a release back, with the generations that they have now; each until the server answers.
    private func read(
        _ references: [PostRenderer.Reference],
        in namespace: String,
        for work: ClusterWork,
        _ isWanted: @Sendable () -> Bool
    ) async throws -> [ObjectValue] {
        var objects: [ObjectValue] = []
        for reference in references {
            let object = try await insist(on: work, isWanted) { try await read(reference, in: namespace) }
            if let object { objects.append(object) }
        }
        return objects
    }

    /// An object as it is now, a Secret without its content; `nil` where it is gone already, such as a Job that cleans
    /// itself away.
    func read(_ reference: PostRenderer.Reference, in namespace: String) async throws -> ObjectValue? {
        do {
            let kind = try await client.requireKind(reference.kind, reference.apiVersion)
            let (place, name) = (reference.namespace ?? namespace, reference.name)
            guard reference.kind == "Secret" else {
                return try ObjectValue(answer: await client.get(kind, namespace: place, name: name))
            }
            var object: ObjectValue = ["apiVersion": .string(reference.apiVersion), "kind": .string(reference.kind)]
            let bytes = try await client.get(kind, namespace: place, name: name, detail: .metadata)
            object["metadata"] = try ObjectValue(answer: bytes)["metadata"]
            return object
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    /// The secrets with which Jobs pull that are there from before, by their names: their templates cannot be changed.
    private func pullSecretsOfJobs(
        _ objects: [AppliedObject],
        in namespace: String
    ) async throws -> [String: [String]] {
        var secrets: [String: [String]] = [:]
        for object in objects where object.kind == "Job" && object.namespace == namespace {
            let reference = PostRenderer.Reference(
                apiVersion: object.apiVersion,
                kind: object.kind,
                name: object.name,
                namespace: namespace
            )
            guard let job = try await read(reference, in: namespace) else { continue }
            let present = job.path("spec", "template", "spec", "imagePullSecrets")?.elements ?? []
            secrets[object.name] = present.compactMap { $0["name"]?.string }
        }
        return secrets
    }
}
