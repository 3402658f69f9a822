import CloudEvents
import Domain
import Foundation
public import Kubernetes
public import Logging
import Synchronization

/// Lets one of an agent's pods speak at a time: the others stand by, and one of them takes over when it ends.
///
/// A Lease in the agent's own namespace, taken before the first hello. It spares the fleet pods that displace each other in
/// turns; what a pod may do is guarded by the fleet's epochs, so one that cannot reach the API goes on.
public final class AgentLease: Sendable {
    private let client: KubernetesClient
    private let namespace: String
    private let name: String
    private let identity: String
    private let duration: Duration
    private let logger: Logger
    private let seen: Mutex<LeaseObservation>

    /// Names a lease.
    ///
    /// - Parameters:
    ///   - namespace: The agent's own.
    ///   - cluster: The cluster that is spoken for.
    ///   - identity: This process, as nobody else is called.
    ///   - duration: How long it lasts without a renewal; it is renewed three times as often.
    public init(
        _ client: KubernetesClient,
        namespace: String,
        cluster: String,
        identity: String,
        duration: Duration = .seconds(15),
        logger: Logger
    ) {
        self.client = client
        self.namespace = namespace
        name = "slipway-agent-\(cluster)"
        self.identity = identity
        self.duration = duration
        self.logger = logger
        seen = Mutex(LeaseObservation(duration: duration, now: .now))
    }

    /// Waits until the lease is this process's, however long another one holds it or the API is away.
    ///
    /// - Parameter health: Is told that this process lives while it waits.
    /// - Throws: ``KubernetesError``, where the server refuses.
    public func acquire(health: AgentHealth) async throws {
        var told: String?
        while true {
            health.beat()
            switch try await advance() {
            case .keep:
                health.speakUp()
                return logger.info("holds the lease '\(name)'")
            case .wait(let holder):
                health.standBy()
                if holder != told { logger.notice("stands by: '\(holder)' speaks for the cluster") }
                told = holder
            case .take: break
            }
            try await Task.sleep(for: duration / 5)
        }
    }

    /// Renews the lease until somebody else holds it, and returns who, or until the task is cancelled.
    public func keep() async -> String? {
        while !Task.isCancelled {
            try? await Task.sleep(for: duration / 3)
            guard !Task.isCancelled else { return nil }
            do {
                if case .wait(let holder) = try await advance() { return holder }
            } catch {
                logger.warning("the lease '\(name)' is not renewed: \(error)")
            }
        }
        return nil
    }

    /// Gives it back, so that another one need not wait.
    public func release() async {
        do {
            try await giveBack()
        } catch {
            logger.warning("the lease '\(name)' is not given back: \(error)")
        }
    }

    private func giveBack() async throws {
        switch step {
        case .wait: return
        case .keep:
            do {
                return try await write(holder: "")
            } catch let error as KubernetesError where error.isConflict {}
        case .take: break
        }
        // What was cancelled on its way, a renewal or the lease's taking, may have arrived all the same.
        let found = try await read(try await client.requireKind("Lease", "coordination.k8s.io/v1"))
        seen.withLock { $0.observe(found, at: .now) }
        if case .keep = step { try await write(holder: "") }
    }

    private var step: LeaseObservation.Step { seen.withLock { $0.step(for: identity, at: .now) } }

    /// Looks at the lease and takes or renews it where that is right; returns what is so after it.
    private func advance() async throws -> LeaseObservation.Step {
        do {
            let kind = try await client.requireKind("Lease", "coordination.k8s.io/v1")
            let found = try await read(kind)
            seen.withLock { $0.observe(found, at: .now) }
            if case .wait = step { return step }
            try await write(holder: identity)
        } catch let error as KubernetesError where error.isConflict || error.isRetriable {
            // Somebody was faster, or the server is away: the next look tells.
            logger.debug("the lease '\(name)': \(error)")
        }
        return step
    }

    private func read(_ kind: KubernetesKind) async throws -> LeaseRecord? {
        do {
            return LeaseRecord(try ObjectValue(answer: await client.get(kind, namespace: namespace, name: name)))
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    /// Writes the lease as it was last seen, and not if it has changed since.
    private func write(holder: String) async throws {
        let kind = try await client.requireKind("Lease", "coordination.k8s.io/v1")
        let before = seen.withLock { $0.record }
        // Kubernetes writes microseconds here and reads nothing else.
        let now = RFC3339.format(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000)).dropLast()
        var spec: ObjectValue = [
            "holderIdentity": .string(holder), "leaseDurationSeconds": .int(max(1, duration.components.seconds)),
            "renewTime": .string("\(now)000Z"),
        ]
        if before?.holder != holder { spec["acquireTime"] = spec["renewTime"] }
        var metadata: ObjectValue = ["name": .string(name), "namespace": .string(namespace)]
        let bytes: [UInt8]
        if let before {
            metadata["resourceVersion"] = .string(before.version)
            let change: ObjectValue = ["metadata": metadata, "spec": spec]
            bytes = try await client.patch(change.json, kind, namespace: namespace, name: name)
        } else {
            let lease: ObjectValue = [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec,
            ]
            try await KubernetesCluster.makeHome(namespace, client)
            bytes = try await client.create(lease.json, kind, namespace: namespace)
        }
        let written = LeaseRecord(try ObjectValue(answer: bytes))
        seen.withLock { $0.observe(written, at: .now) }
    }
}
