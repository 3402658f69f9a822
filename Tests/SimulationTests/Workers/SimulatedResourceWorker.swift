import ClusterAgent
import JSON

@testable import Domain
@testable import WorkerRuntime

/// What `resource-worker` decides about facts.
final class SimulatedResourceWorker: SimulatedHandler {
    private let database: Database
    private let progress: Progress
    private let environments: [String: String]
    private let mutant: Mutant?
    private let parser = JSONParser()

    init(in world: World) {
        database = world.database
        mutant = world.mutant
        progress = Progress(worker: "resource-worker", database: world.database, mutant: world.mutant)
        environments = Dictionary(uniqueKeysWithValues: world.environments.map { ($0.value.namespace, $0.key) })
    }

    func handle(_ batch: SimulatedBatch) throws {
        var admitted: [(SimulatedEntry, ResourceMessage)] = []
        for entry in batch.entries {
            guard let said = entry.message.statement, let message = try read(said) else { continue }
            let known = database.clusters[message.stream.cluster]?.agent.epoch ?? 0
            if message.position.epoch != known, mutant != .numbersIgnored {
                entry.outcome = .stale
            } else {
                admitted.append((entry, message))
            }
        }
        guard !admitted.isEmpty else { return }
        var ids: [ResourceID] = []
        var streams: [StreamID: StreamState] = [:]
        for (_, message) in admitted {
            if let id = message.fact.id, !ids.contains(id) { ids.append(id) }
            streams[message.stream] = database.streams[message.stream]
        }
        var plan = ResourcePlan(ids, stored: ids.map(stored), streams: streams, now: batch.now)
        for (place, (entry, message)) in admitted.enumerated() { entry.outcome = plan.take(message, entry: place) }
        write(plan, batch)
    }

    /// What is stored; a mutant does not remember how new it is.
    private func stored(_ id: ResourceID) -> ResourceState? {
        guard var state = database.resources[id] else { return nil }
        if mutant == .numbersIgnored { state.position = StreamPosition(epoch: 0, sequence: 0) }
        return state
    }

    private func write(_ plan: ResourcePlan, _ batch: SimulatedBatch) {
        var touched: Set<ResourceID> = []
        for history in plan.histories where history.isChanged {
            guard let state = history.result else { continue }
            database.resources[history.id] = state
            guard history.isVisiblyChanged else { continue }
            touched.insert(history.id)
            batch.publish(ResourceStatus.record(of: history.id, state, at: batch.now))
        }
        let sweeps = plan.sweeps.sorted { ($0.key.stream, $0.key.kind) < ($1.key.stream, $1.key.kind) }
        for (kind, sweep) in sweeps { sweepAway(kind, sweep, &touched, batch) }
        for (stream, state) in plan.streams { database.streams[stream] = state }
        for stream in plan.wantedSnapshots.sorted() {
            let content = AgentCommand.Content.snapshotRequested(namespace: stream.namespace)
            let number = database.streams[stream]?.position.sequence ?? 0
            let id = "snapshot \(stream.namespace) \(number)"
            batch.publish(.told(content, id: id, cluster: stream.cluster, key: stream.cluster))
        }
        for id in touched {
            guard let environment = environments[id.stream.namespace] else { continue }
            let name = InstanceName(environment: environment, name: id.name)
            progress.refreshWindows(of: name, cluster: id.stream.cluster, at: batch.now)
        }
    }

    /// What a snapshot did not hold is gone.
    private func sweepAway(
        _ kind: ResourcePlan.SnapshotKind,
        _ sweep: ResourcePlan.Sweep,
        _ touched: inout Set<ResourceID>,
        _ batch: SimulatedBatch
    ) {
        let rows = database.resources.rows.filter { $0.key.stream == kind.stream && $0.key.kind == kind.kind }
        for (id, state) in rows.sorted(by: { $0.key.name < $1.key.name }) {
            guard !state.isGone, state.position < sweep.began else { continue }
            var gone = state
            gone.isGone = true
            gone.position = sweep.ended
            gone.revision += 1
            database.resources[id] = gone
            touched.insert(id)
            batch.publish(ResourceStatus.tombstone(of: id, revision: gone.revision, at: batch.now))
        }
    }

    private func read(_ said: AgentMessage) throws -> ResourceMessage? {
        guard let stream = StreamID(key: said.key) else { return nil }
        let fact: ResourceFact = try parser.withDocument(said.data) { root in
            let kind = root["kind"]?.string ?? ""
            if said.type == ResourceChangeType.snapshotEnded {
                let began = root["began"]?.int ?? 0
                return .snapshotEnded(
                    SnapshotEnded(kind: kind, apiVersion: "apps/v1", began: began, count: root["count"]?.int ?? 0)
                )
            }
            let metadata = root["metadata"]
            let id = ResourceID(stream: stream, kind: kind, name: metadata?["name"]?.string ?? "")
            let uid = metadata?["uid"]?.string ?? ""
            if said.type == ResourceChangeType.gone {
                return .gone(ResourceGone(id: id, apiVersion: "apps/v1", uid: uid))
            }
            let status = root["status"]
            let health = status?["health"]?.string.flatMap(Health.init) ?? .unknown
            return .changed(
                ResourceChange(
                    id: id,
                    apiVersion: "apps/v1",
                    uid: uid,
                    generation: metadata?["generation"]?.int ?? 0,
                    observedGeneration: status?["observedGeneration"]?.int,
                    instance: said.instance,
                    assessment: HealthAssessment(health, health == .degraded ? "It does not come up." : nil)
                )
            )
        }
        let position = StreamPosition(epoch: said.epoch, sequence: said.sequence)
        return ResourceMessage(stream: stream, position: position, keyID: 1, fact: fact)
    }
}
