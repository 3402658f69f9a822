import Domain
import Synchronization

/// What an agent knows of its cluster, shared by its thread and by everything that watches and works beside it.
///
/// Changes of objects are coalesced: however often one changes between two polls, its newest state is told once, so the
/// view holds each object twice at most.
final class ClusterView: Sendable {
    /// A namespace that is the agent's.
    struct Namespace: Sendable, Hashable {
        var uid: String
        var isTerminating: Bool
    }

    private enum Change: Sendable {
        case changed
        case gone(ClusterObject)
    }

    private struct State: Sendable {
        var isClosed = false
        var namespaces: [String: Namespace] = [:]
        var objects: [String: [WatchedKind: [String: ClusterObject]]] = [:]
        /// The kinds of each namespace whose first list has not come yet.
        var unlisted: [String: Set<WatchedKind>] = [:]
        var order: [ClusterObject.ID] = []
        var changes: [ClusterObject.ID: Change] = [:]
        var events: [ClusterEvent] = []
        var logCost = 0
        /// Kubernetes Events by their uids, each as it was told last.
        var happened: [String: KubernetesEvent] = [:]
        /// By namespace and ``CommandSubject/markName``.
        var records: [String: [String: MarkRecord]] = [:]
        /// The labels that networks are about to want on pods, by their subjects.
        var announced: [CommandSubject: PodMark] = [:]
        /// The releases that are being changed, by namespace and instance: their hooks are stages.
        var releasing: [CommandSubject: ClusterWork] = [:]
        /// The stages that were told, by the uids of their Jobs.
        var stages: [String: ReleaseStage.State] = [:]
    }

    private let state = Mutex(State())
    /// The kinds that the cluster has and that are watched.
    let kinds: [WatchedKind]

    init(kinds: [WatchedKind]) {
        self.kinds = kinds
    }

    /// How many changes of objects a poll tells at most.
    static let changesPerPoll = 500
    /// How many Kubernetes Events wait at most, while nobody can be told.
    static let mostHappened = 5000

    // MARK: Namespaces

    var namespaces: [String] {
        state.withLock { $0.namespaces.filter { !$0.value.isTerminating }.keys.sorted() }
    }

    func namespace(_ name: String) -> Namespace? {
        state.withLock { $0.namespaces[name] }
    }

    /// Notes a namespace; returns whether it was not known.
    ///
    /// One that was made again under its name is known: what watches the name sees what is in it.
    func note(_ namespace: Namespace, name: String) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            let before = state.namespaces.updateValue(namespace, forKey: name)
            guard before == nil else { return false }
            state.unlisted[name] = Set(kinds)
            return true
        }
    }

    /// Forgets a namespace; what was in it is gone.
    func drop(namespace name: String) {
        state.withLock { state in
            state.namespaces[name] = nil
            state.unlisted[name] = nil
            state.announced = state.announced.filter { $0.key.namespace != name }
            for object in (state.objects.removeValue(forKey: name) ?? [:]).values.flatMap(\.values) {
                Self.tell(.gone(object), of: object.id, &state)
            }
        }
    }

    /// Whether everything in a namespace was listed at least once.
    func isListed(_ namespace: String) -> Bool {
        state.withLock { $0.namespaces[namespace] != nil && $0.unlisted[namespace]?.isEmpty ?? true }
    }

    /// Forgets everything, and takes nothing any more.
    func close() {
        state.withLock { state in
            state = State()
            state.isClosed = true
        }
    }

    // MARK: Objects

    func objects(in namespace: String, kind: WatchedKind) -> [ClusterObject] {
        state.withLock { ($0.objects[namespace]?[kind] ?? [:]).values.sorted { $0.id < $1.id } }
    }

    func object(_ id: ClusterObject.ID) -> ClusterObject? {
        state.withLock { state in
            for kind in kinds where kind.kind == id.kind {
                if let found = state.objects[id.namespace]?[kind]?[id.name] { return found }
            }
            return nil
        }
    }

    /// The objects of an instance, of whatever kind.
    func objects(of instance: String, in namespace: String) -> [ClusterObject] {
        state.withLock { state in
            (state.objects[namespace] ?? [:]).values.flatMap(\.values).filter { $0.instance == instance }
        }
    }

    var count: Int {
        state.withLock { state in
            state.objects.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.count } }
        }
    }

    /// Takes an object as it is now.
    func put(_ object: ClusterObject, kind: WatchedKind) {
        state.withLock { state in
            guard state.namespaces[object.id.namespace] != nil else { return }
            let before = state.objects[object.id.namespace, default: [:]][kind, default: [:]]
                .updateValue(object, forKey: object.id.name)
            guard before != object else { return }
            Self.tell(.changed, of: object.id, &state)
        }
    }

    /// Takes that an object is not there any more.
    ///
    /// - Parameter uid: Which one of that name; another that was made since stays.
    func remove(_ id: ClusterObject.ID, kind: WatchedKind, uid: String? = nil) {
        state.withLock { state in
            guard let object = state.objects[id.namespace]?[kind]?[id.name], uid ?? object.uid == object.uid
            else { return }
            state.objects[id.namespace]?[kind]?[id.name] = nil
            state.stages[object.uid] = nil
            Self.tell(.gone(object), of: id, &state)
        }
    }

    /// Takes a whole list: what is not in it is gone.
    func replace(_ objects: [ClusterObject], in namespace: String, kind: WatchedKind) {
        let names = Set(objects.map(\.id.name))
        let gone = self.objects(in: namespace, kind: kind).filter { !names.contains($0.id.name) }
        for object in gone { remove(object.id, kind: kind) }
        for object in objects { put(object, kind: kind) }
        state.withLock { _ = $0.unlisted[namespace]?.remove(kind) }
    }

    private static func tell(_ change: Change, of id: ClusterObject.ID, _ state: inout State) {
        if state.changes.updateValue(change, forKey: id) == nil { state.order.append(id) }
    }

    // MARK: What is told to the agent

    func tell(_ event: ClusterEvent) {
        state.withLock { state in
            guard !state.isClosed else { return }
            if case .logged(_, let lines) = event {
                state.logCost += lines.reduce(0) { $0 + LogPace.cost(of: $1.utf8.count) }
            }
            state.events.append(event)
        }
    }

    /// Takes a Kubernetes Event: the newest word of each is told, and no more of them than are of use to anybody.
    func tell(_ event: KubernetesEvent) {
        state.withLock { state in
            guard !state.isClosed else { return }
            guard state.happened.count < Self.mostHappened || state.happened[event.uid] != nil else { return }
            state.happened[event.uid] = event
        }
    }

    /// What the lines of logs that wait to be told cost, see ``LogPace/cost(of:)``.
    var waitingLogCost: Int { state.withLock { $0.logCost } }

    /// What has happened since the last poll: a bounded number of changed objects, and everything else.
    func poll() -> [ClusterEvent] {
        let (changes, events) = state.withLock { state in
            let told = state.order.prefix(Self.changesPerPoll)
            state.order.removeFirst(told.count)
            let changes = told.compactMap { id -> ClusterEvent? in
                switch state.changes.removeValue(forKey: id) {
                case .gone(let object): return .gone(object)
                case .changed: return Self.find(id, kinds, state).map { .changed($0) }
                case nil: return nil
                }
            }
            let happened = state.happened.values.sorted { ($0.lastTime, $0.uid) < ($1.lastTime, $1.uid) }
            defer { (state.events, state.happened, state.logCost) = ([], [:], 0) }
            return (changes, happened.map { .happened($0) } + state.events)
        }
        // The end of work comes after the changes that were seen before it.
        return changes + events
    }

    private static func find(_ id: ClusterObject.ID, _ kinds: [WatchedKind], _ state: State) -> ClusterObject? {
        kinds.lazy.filter { $0.kind == id.kind }.compactMap { state.objects[id.namespace]?[$0]?[id.name] }.first
    }

    // MARK: Marks

    func keep(_ record: MarkRecord) {
        state.withLock { $0.records[record.namespace, default: [:]][record.subject] = record }
    }

    /// The mark of a subject: one in a namespace that was made again meanwhile does not count.
    func record(of subject: CommandSubject) -> MarkRecord? {
        state.withLock { state in
            guard let record = state.records[subject.namespace]?[subject.markName] else { return nil }
            if case .namespace = subject { return record }
            return state.namespaces[subject.namespace]?.uid == record.namespaceUID ? record : nil
        }
    }

    /// The marks that count in a namespace as it is now.
    func records(in namespace: String) -> [MarkRecord] {
        state.withLock { state in
            guard let uid = state.namespaces[namespace]?.uid else { return [] }
            return (state.records[namespace] ?? [:]).values.filter { $0.namespaceUID == uid }
        }
    }

    /// The marks that protect nothing any more.
    func forgottenRecords(now: Int64) -> [MarkRecord] {
        state.withLock { state in
            state.records.values.flatMap(\.values).filter {
                $0.isForgotten(now: now, namespace: state.namespaces[$0.namespace]?.uid)
            }
        }
    }

    func drop(_ record: MarkRecord) {
        state.withLock { $0.records[record.namespace]?[record.subject] = nil }
    }

    /// The labels that networks of several instances want on the pods of an instance.
    func podMarks(of instance: String, in namespace: String) -> Set<String> {
        let announced = state.withLock { $0.announced.filter { $0.key.namespace == namespace } }
        let marks = records(in: namespace).compactMap(\.podMark) + announced.values
        return Set(marks.filter { $0.instances.contains(instance) }.map(\.label))
    }

    /// The labels of the networks of which anything is known: also of those that are removed, or want none any more.
    func networkLabels(in namespace: String) -> Set<String> {
        Set(records(in: namespace).compactMap(\.networkLabel))
    }

    /// What was announced of a network, which stays where a command has failed after it had applied the Service.
    func announcement(of subject: CommandSubject) -> PodMark? { state.withLock { $0.announced[subject] } }

    /// Notes which label a network is about to want on pods, beside what it wants by its record; `nil` forgets it.
    func announce(_ mark: PodMark?, of subject: CommandSubject) {
        state.withLock { $0.announced[subject] = mark }
    }

    // MARK: Stages

    func begin(_ work: ClusterWork) {
        state.withLock { $0.releasing[work.subject] = work }
    }

    func end(_ work: ClusterWork) {
        state.withLock { $0.releasing[work.subject] = nil }
    }

    /// What is under way in a namespace.
    func underway(in namespace: String) -> [ClusterWork] {
        state.withLock { $0.releasing.filter { $0.key.namespace == namespace }.map(\.value) }
    }

    /// The release that a hook belongs to and that is being changed; `nil` where this state of it was told before.
    func release(ofHook object: ClusterObject, in stage: ReleaseStage.State) -> ClusterWork? {
        state.withLock { state in
            guard let instance = object.instance else { return nil }
            let subject = CommandSubject.release(namespace: object.id.namespace, instance: instance)
            guard let work = state.releasing[subject], object.labels[Label.command] == work.mark.command,
                state.stages.updateValue(stage, forKey: object.uid) != stage
            else { return nil }
            return work
        }
    }
}
