import Domain

/// What a command makes of a release: rendered, marked and counted before anything is changed.
struct ReleasePlan: Sendable {
    let manifests: [Manifest]
    /// The secrets with which images are pulled: made before everything else.
    let registries: [Manifest]
    let release: SimulatedCluster.Release
    /// How long the agent stays away where it is told to.
    let agentSeconds: Int

    init(
        _ request: ReleaseRequested,
        before: SimulatedCluster.Release?,
        failure: SimulatedFailure?,
        helm: HelmTemplate?,
        _ secrets: OpenedSecrets
    ) throws(WorkFailure) {
        if request.chart == nil { _ = try PlainRelease.image(of: request) }
        let form = ReleaseForm(request)
        // Pods that would only be scaled keep the marks that they have; pods that are not there take new ones.
        let isScaled = before?.form.map { $0.template == form.template && !$0.isStopped } ?? false
        let mark = ClusterWork.release(request).mark
        // What is done again by an agent that found no mark of it is done as it was.
        let template = (isScaled || before?.made == mark ? before?.template : nil) ?? mark
        let marking = ReleaseMarking(request, template: template)
        let wish: SimulationRequest
        var hooks: [Hook]
        var manifests: [Manifest] = []
        do throws(ManifestError) {
            let values = try ObjectValue(yaml: request.values)
            wish = try SimulationRequest(values: values, otherwise: failure)
            let credentials = secrets[.chart(request.instance)]
            let made = try ReleaseManifests(request, values: values, helm: helm, credentials: credentials)
            hooks = made.hooks + wish.hooks
            for object in made.objects {
                manifests.append(try Manifest(marking.applied(to: object), in: request.namespace))
            }
        } catch {
            throw WorkFailure(code: "render_failed", message: error.sentence)
        }
        guard wish.failure != .applyFails else {
            throw WorkFailure(
                code: "apply_failed",
                message: "The cluster refused the release: admission webhook denied the request."
            )
        }
        registries = (request.registrySecrets ?? []).filter { secrets[.registry($0.name)] != nil }
            .map { Manifest(registry: $0.name, of: request) }
        self.manifests = manifests
        agentSeconds = wish.seconds
        release = SimulatedCluster.Release(
            objects: manifests.map(\.id),
            failure: wish.failure,
            form: form,
            made: mark,
            deployment: request.deployment,
            template: template,
            hooks: hooks,
            registries: Set(registries.map(\.id))
        )
    }
}

extension ReleaseOrigin {
    /// As a simulated cluster knows it; what was interrupted is done again from its beginning.
    init(_ before: SimulatedCluster.Release?, form: ReleaseForm?) {
        let known = before?.isInterrupted == true ? nil : before
        self.init(
            command: known?.made?.command,
            deployment: known?.deployment,
            isSame: known != nil && known?.form?.content == form?.content
        )
    }
}
