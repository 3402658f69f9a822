import Domain
import Sealing

extension SimulatedCluster {
    /// Begins what the work says; what takes no time is ended at once.
    mutating func begin(_ work: ClusterWork) {
        // What was confided is not needed any more once this has returned.
        let secrets = underway.updateValue(OpenedSecrets(), forKey: work.mark) ?? OpenedSecrets()
        if isMade(by: work) { return end(work, nil) }
        do throws(WorkFailure) {
            switch work {
            case .namespace(let request):
                // One that is going away is made anew when it is gone.
                guard !terminating.contains(request.namespace) else { return later(timings.observe, .begin(work)) }
                if namespaceNames.insert(request.namespace).inserted { noteEffect(of: work) }
            case .namespaceRemoval: return beginClearing(work)
            case .release(let request): return try beginRelease(request, as: work, secrets)
            case .removal(let request): return try beginRemoval(request, as: work)
            case .objects(let request): try apply(request, secrets)
            case .log: return
            }
            end(work, nil)
        } catch {
            end(work, error)
        }
    }

    /// Ends work; where a cluster is kept, its agent can be lost between what was done and the mark that says so.
    mutating func end(_ work: ClusterWork, _ failure: WorkFailure?) {
        guard file != nil, failure == nil else { return conclude(work, failure) }
        later(timings.apply, .conclude(work))
    }

    /// Tells the end of work and remembers which command made its subject what it is.
    mutating func conclude(_ work: ClusterWork, _ failure: WorkFailure?) {
        underway[work.mark] = nil
        if failure == nil {
            noteFormer(of: work)
            if !doesAgain { marks[work.subject] = work.mark }
            noteMark(of: work)
        }
        report(.finished(work, failure))
    }

    /// Remembers the command that another one takes the place of.
    private mutating func noteFormer(of work: ClusterWork) {
        guard let before = marks[work.subject], before.command != work.mark.command else { return }
        former[work.subject, default: []].insert(before.command)
    }

    func requireNamespace(_ name: String) throws(WorkFailure) {
        guard namespaceNames.contains(name), !terminating.contains(name) else {
            throw WorkFailure(
                code: "namespace_missing",
                message: "The namespace '\(name)' does not exist in this cluster; "
                    + "where it was removed, delete its environment and create it anew."
            )
        }
    }

    private mutating func beginRelease(
        _ request: ReleaseRequested,
        as work: ClusterWork,
        _ secrets: OpenedSecrets
    ) throws(WorkFailure) {
        try requireNamespace(request.namespace)
        try replaceOperation(by: work)
        let before = releases[work.subject]
        let plan = try ReleasePlan(request, before: before, failure: failure, helm: helm, secrets)
        if plan.release.failure == .agentOffline { report(.agentFault(.offline(seconds: plan.agentSeconds))) }
        if plan.release.failure == .agentRestart { report(.agentFault(.restart)) }
        for id in plan.registries.map(\.id) {
            guard let owner = currentOwner(of: id) else { continue }
            throw WorkFailure.taken(registry: id.name, by: owner, application: request.application)
        }
        for manifest in plan.registries { upsert(manifest) }
        let origin = ReleaseOrigin(before, form: plan.release.form)
        let hooks = origin.runsHooks(for: request) ? plan.release.hooks : []
        let moments: (before: Hook.Moment, after: Hook.Moment) =
            before == nil ? (.preInstall, .postInstall) : (.preUpgrade, .postUpgrade)
        operations[work.subject] = Operation(
            work: work,
            identity: ReleaseIdentity(request),
            change: .install(plan.manifests, plan.release),
            before: Hook.ordered(hooks, at: moments.before),
            after: Hook.ordered(hooks, at: moments.after),
            moments: moments
        )
        goOn(work.subject)
    }

    private mutating func beginRemoval(_ request: RemovalRequested, as work: ClusterWork) throws(WorkFailure) {
        try replaceOperation(by: work)
        let hooks = releases[work.subject]?.hooks ?? []
        operations[work.subject] = Operation(
            work: work,
            identity: ReleaseIdentity(request),
            change: .uninstall,
            before: Hook.ordered(hooks, at: .preDelete),
            after: Hook.ordered(hooks, at: .postDelete),
            moments: (.preDelete, .postDelete)
        )
        goOn(work.subject)
    }

    /// Gives up an older change that an agent before this one has begun; a newer one goes on.
    private mutating func replaceOperation(by work: ClusterWork) throws(WorkFailure) {
        guard let other = operations[work.subject], other.work.mark != work.mark else { return }
        let failure = WorkFailure(
            code: AgentFailed.clusterIsFurther,
            message: "Another generation of the release is being changed."
        )
        guard other.work.mark.generation < work.mark.generation else { throw failure }
        operations[work.subject] = nil
        end(other.work, failure)
    }

    /// Takes the next step of a release's change: a hook, the change itself, or its end.
    mutating func goOn(_ subject: CommandSubject) {
        guard var operation = operations[subject], operation.run == nil else { return }
        if !operation.before.isEmpty {
            let hook = operation.before.removeFirst()
            operations[subject] = operation
            return run(hook, at: operation.moments.before, of: operation)
        }
        if case .uninstall = operation.change {
            let before = changes
            let isGone = uninstall(operation.identity)
            if !operation.isMade { noteEffect(of: operation.work, since: before) }
            operation.isMade = true
            operations[subject] = operation
            if !isGone { return later(timings.observe, .goOn(subject)) }
        }
        if case .install(let manifests, let release) = operation.change, !operation.isMade {
            operation.isMade = true
            operations[subject] = operation
            let before = changes
            install(manifests, release, as: subject)
            noteEffect(of: operation.work, since: before)
        }
        if !operation.after.isEmpty {
            let hook = operation.after.removeFirst()
            operations[subject] = operation
            return run(hook, at: operation.moments.after, of: operation)
        }
        operations[subject] = nil
        end(operation.work, nil)
    }

    private mutating func install(_ manifests: [Manifest], _ release: Release, as subject: CommandSubject) {
        let before = releases[subject]
        releases[subject] = release
        for manifest in manifests { upsert(manifest) }
        for id in before?.objects ?? [] where !release.objects.contains(id) { remove(id) }
        dropRegistries(before?.registries ?? [])
    }

    /// Deletes everything of a release; returns whether nothing is left.
    private mutating func uninstall(_ identity: ReleaseIdentity) -> Bool {
        let subject = CommandSubject.release(namespace: identity.namespace, instance: identity.instance)
        let release = releases.removeValue(forKey: subject)
        dropRegistries(release?.registries ?? [])
        var isGone = true
        let own = Set(release?.objects ?? [])
        for id in objects.keys.sorted() where id.namespace == identity.namespace {
            guard own.contains(id) || objects[id]?.instance == identity.instance else { continue }
            delete(id)
            if objects[id] != nil { isGone = false }
        }
        return isGone
    }

    /// Removes secrets for pulling images that no release names any more.
    private mutating func dropRegistries(_ secrets: Set<ClusterObject.ID>) {
        var needed = releases.values.reduce(into: Set()) { $0.formUnion($1.registries) }
        for case .install(_, let release) in operations.values.map(\.change) { needed.formUnion(release.registries) }
        for id in secrets.subtracting(needed).sorted() where currentOwner(of: id) == nil { remove(id) }
    }

    /// Removes what a subject had and does not have any more.
    mutating func replace(_ after: [ClusterObject.ID], of subject: CommandSubject) {
        let before = releases[subject]?.objects ?? []
        if after.isEmpty { releases[subject] = nil }
        for id in before where !after.contains(id) { remove(id) }
    }
}

/// Namespaces that are removed with everything in them.
extension SimulatedCluster {
    private mutating func beginClearing(_ work: ClusterWork) {
        let namespace = work.subject.namespace
        if terminating.insert(namespace).inserted, namespaceNames.contains(namespace) { noteEffect(of: work) }
        forgetReleases(of: work.subject.namespace)
        clear(work)
    }

    /// Waits for the last pods of a namespace and then removes it.
    mutating func clear(_ work: ClusterWork) {
        noteFormer(of: work)
        guard vanish(work.subject.namespace) else { return later(timings.observe, .clear(work)) }
        end(work, nil)
    }

    /// Removes what is left in a namespace that is going away, and at last itself; returns whether it is gone.
    mutating func vanish(_ namespace: String) -> Bool {
        empty(namespace)
        guard !objects.keys.contains(where: { $0.namespace == namespace }) else { return false }
        namespaceNames.remove(namespace)
        terminating.remove(namespace)
        marks = marks.filter { $0.key.namespace != namespace }
        return true
    }

    /// Forgets the releases of a namespace that is going away, and ends what is being done to them.
    mutating func forgetReleases(of namespace: String) {
        releases = releases.filter { $0.key.namespace != namespace }
        let given = operations.filter { $0.key.namespace == namespace }
        // In one order, so that the same seed plays the same.
        for (subject, operation) in given.sorted(by: { $0.value.identity.instance < $1.value.identity.instance }) {
            operations[subject] = nil
            let failure = WorkFailure(
                code: "namespace_missing",
                message: "The namespace '\(namespace)' was removed while the release was being changed."
            )
            end(operation.work, failure)
        }
    }
}
