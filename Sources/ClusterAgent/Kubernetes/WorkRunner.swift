import Domain
import Kubernetes
import Logging
import Sealing

/// Does what commands ask for, with helm and the Kubernetes API; everything can be done again.
///
/// The mark is written after the effect and before the end is told: an agent that dies in between does the command again,
/// which changes nothing.
struct WorkRunner: Sendable {
    let client: KubernetesClient
    let view: ClusterView
    let watch: ClusterWatch
    let marks: MarkStore
    let helm: HelmProgram
    let pods: PodMarker
    let cluster: String
    let home: String
    let grant: NamespaceGrant
    let logger: Logger

    /// Does it, however long the server is away: when a command is too late is the fleet's to say.
    ///
    /// - Parameter isWanted: Whether it is tried again when the server did not do it.
    func run(
        _ work: ClusterWork,
        _ secrets: OpenedSecrets,
        isWanted: @escaping @Sendable () -> Bool = { true }
    ) async -> WorkFailure? {
        var pace = Pace()
        while true {
            do throws(KubernetesError) {
                return try await attempt(work, secrets, isWanted)
            } catch {
                if let failure = await waitOut(error, of: work, &pace, isWanted) { return failure }
            }
        }
    }

    /// Does a part of work until it is done, as ``run(_:_:isWanted:)`` does the whole, which is not begun anew for it.
    func insist<R: Sendable>(
        on work: ClusterWork,
        _ isWanted: @Sendable () -> Bool,
        _ part: () async throws -> R
    ) async throws -> R {
        var pace = Pace()
        while true {
            do {
                return try await part()
            } catch let error as KubernetesError {
                if let failure = await waitOut(error, of: work, &pace, isWanted) { throw failure }
            }
        }
    }

    /// How soon the same is tried again.
    private struct Pace {
        var pause = Duration.milliseconds(500)
        var grace = DenialGrace()
    }

    /// Waits before the same is tried again; returns why it is not, where it is not.
    private func waitOut(
        _ error: KubernetesError,
        of work: ClusterWork,
        _ pace: inout Pace,
        _ isWanted: @Sendable () -> Bool
    ) async -> WorkFailure? {
        let isWaitedFor = pace.grace.covers(error, at: .now)
        guard error.isRetriable || error.isConflict || isWaitedFor, isWanted(), !Task.isCancelled else {
            return WorkFailure(
                code: error.isRetriable ? HelmComplaint.unreachable : "apply_failed",
                message: "\(error)"
            )
        }
        logger.warning("generation \(work.mark.generation) of \(work.subject) waits: \(error)")
        // Never in a namespace that may be somebody else's.
        if isWaitedFor, view.namespace(work.subject.namespace) != nil {
            try? await grant.give(in: work.subject.namespace)
        }
        try? await Task.sleep(for: pace.pause * Double.random(in: 0.5...1.5))
        pace.pause = min(pace.pause * 2, .seconds(10))
        return nil
    }

    private func attempt(
        _ work: ClusterWork,
        _ secrets: OpenedSecrets,
        _ isWanted: @escaping @Sendable () -> Bool
    ) async throws(KubernetesError) -> WorkFailure? {
        do {
            if var record = view.record(of: work.subject), work.isRenumbered(record.mark) {
                record.generation = work.mark.generation
                try await marks.keep(record)
                return nil
            }
            switch work {
            case .namespace(let request): try await make(request, work)
            case .namespaceRemoval(let request): try await remove(request, work)
            case .release(let request): try await release(request, work, secrets, isWanted)
            case .removal(let request): try await remove(request, work, isWanted)
            case .objects(let request): try await apply(request, work, secrets, isWanted)
            case .log: break
            }
            return nil
        } catch let failure as WorkFailure {
            // What helm says of a server that is away, or does not know it yet: the same may succeed later.
            switch failure.code {
            case HelmComplaint.unreachable:
                throw KubernetesError(status: 0, reason: "Unreachable", message: failure.message)
            case HelmComplaint.unauthorized:
                throw KubernetesError(status: 401, reason: "Unauthorized", message: failure.message)
            default: return failure
            }
        } catch let error as KubernetesError {
            throw error
        } catch let error as ManifestError {
            return WorkFailure(code: "apply_failed", message: error.sentence)
        } catch {
            return WorkFailure(code: "apply_failed", message: "\(error)")
        }
    }

    /// How work waits for helm: as long as it does, the fleet is told that it is not forgotten.
    func turn(of work: ClusterWork, _ isWanted: @escaping @Sendable () -> Bool) -> HelmTurn {
        HelmTurn(isWanted: isWanted) { [view] in view.tell(.waiting(work)) }
    }

    /// The mark of work that is done.
    func record(of work: ClusterWork) -> MarkRecord {
        var record = MarkRecord(work, namespaceUID: view.namespace(work.subject.namespace)?.uid)
        record.follow(view.record(of: work.subject))
        return record
    }

    func requireNamespace(_ name: String) throws(WorkFailure) {
        guard let namespace = view.namespace(name), !namespace.isTerminating else {
            throw WorkFailure(
                code: "namespace_missing",
                message: "The namespace '\(name)' does not exist in this cluster; "
                    + "where it was removed, delete its environment and create it anew."
            )
        }
    }

    /// Waits for a fact; what it waits for is somebody else's work.
    func wait(_ limit: Duration, until isSo: () async throws -> Bool) async throws -> Bool {
        try await HelmTurn().wait(limit, until: isSo)
    }

    /// Makes an object as it should be, and returns what it then is.
    ///
    /// - Parameter turn: How it waits for one of that name that is on its way out.
    func apply(_ object: ObjectValue, in namespace: String, _ turn: HelmTurn) async throws -> ObjectValue {
        guard let kind = object["kind"]?.string, let apiVersion = object["apiVersion"]?.string,
            let name = object.path("metadata", "name")?.string
        else { throw ManifestError(sentence: "An object has no apiVersion, kind or metadata.name.") }
        let served = try await served(kind, apiVersion)
        var object = object
        if served.apiVersion != apiVersion {
            // Of an EndpointSlice both versions spell alike what Slipway sets.
            if kind == "Ingress" { object = IngressForm.beta(object) }
            object["apiVersion"] = .string(served.apiVersion)
        }
        let body = object.json
        let answer = try ObjectValue(answer: await client.apply(body, served, namespace: namespace, name: name))
        guard answer.path("metadata", "deletionTimestamp") != nil else { return answer }
        // One of before that is on its way out would take along what was applied to it.
        let uid = answer.path("metadata", "uid")?.string
        guard try await waitUntilGone(served, namespace, name, uid: uid, turn) else {
            throw WorkFailure(
                code: "apply_failed",
                message: "The \(kind) '\(name)' of before does not go away; it has a finalizer that nobody ends."
            )
        }
        return try ObjectValue(answer: await client.apply(body, served, namespace: namespace, name: name))
    }

    /// How long an object may take to go away: a load balancer's finalizer takes minutes.
    private static let departureLimit = Duration.seconds(240)

    /// Waits until an object is gone, or another has its name; returns whether it is so.
    func waitUntilGone(
        _ kind: KubernetesKind,
        _ namespace: String,
        _ name: String,
        uid: String?,
        _ turn: HelmTurn
    ) async throws -> Bool {
        try await turn.wait(Self.departureLimit) {
            try await readMetadata(kind, namespace, name).map { $0["uid"]?.string != uid } ?? true
        }
    }

    /// The kind as the cluster serves it: old clusters have some kinds only of an older version.
    private func served(_ kind: String, _ apiVersion: String) async throws(KubernetesError) -> KubernetesKind {
        if let found = try await client.servedKind(kind, apiVersion) { return found }
        return try await client.requireKind(kind, apiVersion)
    }
}

/// Ingresses as `networking.k8s.io/v1beta1` writes them.
enum IngressForm {
    static func beta(_ ingress: ObjectValue) -> ObjectValue {
        var object = ingress
        object["apiVersion"] = "networking.k8s.io/v1beta1"
        guard var spec = object["spec"] else { return object }
        if let backend = spec["defaultBackend"] {
            spec["defaultBackend"] = nil
            spec["backend"] = Self.beta(backend: backend)
        }
        spec["rules"] = spec["rules"].map { rules in
            .array(
                rules.elements.map { rule in
                    var rule = rule
                    let paths = (rule.path("http", "paths")?.elements ?? []).map { path -> ObjectValue in
                        var path = path
                        path["backend"] = path["backend"].map(Self.beta(backend:))
                        return path
                    }
                    rule["http"] = ["paths": .array(paths)]
                    return rule
                }
            )
        }
        object["spec"] = spec
        return object
    }

    private static func beta(backend: ObjectValue) -> ObjectValue {
        guard let service = backend["service"] else { return backend }
        var beta: ObjectValue = .empty
        beta["serviceName"] = service["name"]
        beta["servicePort"] = service.path("port", "number") ?? service.path("port", "name")
        return beta
    }
}
