import Domain

@testable import ClusterAgent

/// A cluster that outlives its agents: releases of one Deployment each, which become healthy, fail or never end.
final class ClusterState {
    let name: String
    let namespaces: [String]
    private let dice: Dice
    private(set) var objects: [ClusterObject.ID: ClusterObject] = [:]
    private(set) var marks: [CommandSubject: CommandMark] = [:]
    /// What the controllers have still to do, in order of time.
    private var rollouts: [(due: Int64, id: ClusterObject.ID, generation: Int64, health: String)] = []
    /// Who watches; each hears of every change.
    private var watchers: [Int: [ClusterEvent]] = [:]
    private var lastVersion = 0

    init(_ name: String, namespaces: [String], dice: Dice) {
        (self.name, self.namespaces, self.dice) = (name, namespaces, dice)
    }

    func watch(_ id: Int) { watchers[id] = [] }

    func unwatch(_ id: Int) { watchers[id] = nil }

    func takeEvents(_ id: Int) -> [ClusterEvent] {
        defer { watchers[id] = [] }
        return watchers[id] ?? []
    }

    /// When something happens by itself next.
    var nextRollout: Int64? { rollouts.map(\.due).min() }

    /// Lets the controllers work.
    func pass(to now: Int64) {
        guard let next = nextRollout, next <= now else { return }
        for step in rollouts.filter({ $0.due <= now }).sorted(by: { $0.due < $1.due }) {
            guard var object = objects[step.id], object.generation == step.generation else { continue }
            object.status = ["observedGeneration": .int(step.generation), "health": .string(step.health)]
            keep(object)
        }
        rollouts.removeAll { $0.due <= now }
    }

    /// Does what a command asks for, marked in the cluster; a command that comes twice changes nothing.
    ///
    /// - Returns: Whether the cluster is as the command says; not where a newer one was done meanwhile, which helm notices
    ///   by the numbers of its releases.
    func apply(_ work: ClusterWork, at now: Int64) -> Bool {
        if let mark = marks[work.subject], mark.generation >= work.mark.generation { return mark == work.mark }
        switch work {
        case .release(let request):
            marks[work.subject] = work.mark
            release(request, at: now)
        case .removal(let request):
            marks[work.subject] = work.mark
            let id = Self.id(request.namespace, request.instance)
            if let object = objects.removeValue(forKey: id) { tell(.gone(object)) }
        default:
            break
        }
        return true
    }

    /// Somebody deletes an object, and no watch tells of it.
    func loseObject() {
        guard let id = dice.one(of: objects.keys.sorted()) else { return }
        objects[id] = nil
    }

    private static func id(_ namespace: String, _ instance: String) -> ClusterObject.ID {
        ClusterObject.ID(kind: "Deployment", namespace: namespace, name: instance)
    }

    private func release(_ request: ReleaseRequested, at now: Int64) {
        let id = Self.id(request.namespace, request.instance)
        var object =
            objects[id]
            ?? ClusterObject(
                id: id,
                apiVersion: "apps/v1",
                uid: dice.uuid(),
                generation: 0,
                resourceVersion: "0",
                labels: [Label.instance: request.instance],
                createdAt: now,
                status: ["observedGeneration": 0, "health": "progressing"]
            )
        let generation = (object.generation ?? 0) + 1
        object.generation = generation
        object.labels[Label.generation] = String(request.generation)
        keep(object)
        let begins = now + dice.time(in: 50_000...1_000_000)
        rollouts.append((begins, id, generation, "progressing"))
        let end = begins + dice.time(in: 500_000...15_000_000)
        if dice.happens(percent: 90) { rollouts.append((end, id, generation, "healthy")) }
        if dice.happens(percent: 5) { rollouts.append((end + 1, id, generation, "degraded")) }
    }

    private func keep(_ object: ClusterObject) {
        var object = object
        lastVersion += 1
        object.resourceVersion = String(lastVersion)
        objects[object.id] = object
        tell(.changed(object))
    }

    private func tell(_ event: ClusterEvent) {
        for id in Array(watchers.keys) { watchers[id]?.append(event) }
    }
}

/// The cluster as one agent process has it: the work in it ends with the process.
struct ClusterHandle: Cluster {
    let state: ClusterState
    let id: Int
    private let dice: Dice
    private var works: [(due: Int64, work: ClusterWork, fails: Bool)] = []

    init(_ state: ClusterState, id: Int, dice: Dice) {
        (self.state, self.id, self.dice) = (state, id, dice)
        state.watch(id)
    }

    /// When something happens next that the agent must hear of.
    var next: Int64? { [works.map(\.due).min(), state.nextRollout].compactMap { $0 }.min() }

    var uid: String { "uid-\(state.name)" }
    var kinds: [WatchedKind] { [WatchedKind("apps/v1", "Deployment")] }
    var namespaces: [String] { state.namespaces }

    func mark(of subject: CommandSubject) -> CommandMark? { state.marks[subject] }

    func objects(of subject: CommandSubject) -> [AppliedObject] {
        guard case .release(let namespace, let instance) = subject,
            let object = state.objects[.init(kind: "Deployment", namespace: namespace, name: instance)]
        else { return [] }
        return [
            AppliedObject(
                apiVersion: object.apiVersion,
                kind: object.id.kind,
                namespace: namespace,
                name: instance,
                uid: object.uid,
                generation: object.generation ?? 0,
                resourceVersion: object.resourceVersion
            )
        ]
    }

    func objects(in namespace: String, kind: WatchedKind) -> [ClusterObject] {
        state.objects.values.filter { $0.id.namespace == namespace }.sorted { $0.id < $1.id }
    }

    mutating func start(_ work: ClusterWork, secrets: OpenedSecrets, now: Int64) {
        let fails = dice.happens(percent: 4)
        works.append((now + dice.time(in: 100_000...6_000_000), work, fails))
    }

    mutating func abandon(_ mark: CommandMark) { works.removeAll { $0.work.mark == mark } }

    mutating func endLog(of command: String, now: Int64) {}

    mutating func poll(now: Int64) -> [ClusterEvent] {
        state.pass(to: now)
        var ended: [ClusterEvent] = []
        for task in works.filter({ $0.due <= now }).sorted(by: { $0.due < $1.due }) {
            let isDone = !task.fails && state.apply(task.work, at: now)
            let failure = WorkFailure(code: "apply_failed", message: "helm ended with 1.")
            ended.append(.finished(task.work, isDone ? nil : failure))
        }
        works.removeAll { $0.due <= now }
        return state.takeEvents(id) + ended
    }

    mutating func close() {
        works = []
        state.unwatch(id)
    }
}
