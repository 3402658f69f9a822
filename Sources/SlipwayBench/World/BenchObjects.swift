import Synchronization

/// The config maps of one namespace, which change one after the other at a rate that can be set.
final class BenchObjects: Sendable {
    private struct State {
        /// By number: the version of each object and how often it was changed.
        var objects: [(version: Int, changes: Int)]
        var version: Int
        /// The number of the object that changes next.
        var next = 0
        var rate = 0
        var since = ContinuousClock.now
        var made = 0
    }

    let namespace: String
    let count: Int
    private let state: Mutex<State>

    init(_ count: Int, in namespace: String) {
        (self.count, self.namespace) = (count, namespace)
        let objects = (0..<count).map { (version: 1000 + $0, changes: 0) }
        state = Mutex(State(objects: objects, version: 1000 + count))
    }

    /// The newest version of anything.
    var version: Int { state.withLock { $0.version } }

    /// The versions of all objects as a sum: equal to another's where that one has seen every change.
    var versions: Int { state.withLock { $0.objects.reduce(0) { $0 + $1.version } } }

    /// From now on, how many objects change in a second.
    func change(perSecond rate: Int) {
        state.withLock { ($0.rate, $0.since, $0.made) = (rate, .now, 0) }
    }

    var isChanging: Bool { state.withLock { $0.rate > 0 } }

    /// Makes the changes that are due, and returns each as a line of a watch.
    func due() -> [String] {
        state.withLock { state in
            let due = Int((ContinuousClock.now - state.since).seconds * Double(state.rate))
            return (state.made..<max(state.made, due)).map { _ in
                let number = state.next
                state.next = (number + 1) % count
                state.made += 1
                state.version += 1
                state.objects[number].version = state.version
                state.objects[number].changes += 1
                return #"{"type":"MODIFIED","object":\#(object(number, state))}"# + "\n"
            }
        }
    }

    /// A page of all objects, as a list answers it.
    func page(from first: Int, limit: Int) -> String {
        state.withLock { state in
            let end = min(count, first + limit)
            let items = (min(first, end)..<end).map { object($0, state) }.joined(separator: ",")
            let next = end < count ? #","continue":"\#(end)""# : ""
            let metadata = #"{"resourceVersion":"\#(state.version)"\#(next)}"#
            return #"{"apiVersion":"v1","kind":"ConfigMapList","metadata":\#(metadata),"items":[\#(items)]}"#
        }
    }

    /// An object of about 650 bytes, as helm has applied it.
    private func object(_ number: Int, _ state: State) -> String {
        let (version, changes) = state.objects[number]
        let time = "2026-01-02T03:04:05Z"
        return """
            {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings-\(number)","namespace":"\(namespace)",\
            "uid":"9f1c2f0e-0000-4000-8000-\(100_000_000_000 + number)","resourceVersion":"\(version)",\
            "creationTimestamp":"\(time)","labels":{"app.kubernetes.io/managed-by":"Helm",\
            "slipway.io/instance":"app-\(number % 100)"},"managedFields":[{"manager":"helm","operation":"Apply",\
            "apiVersion":"v1","time":"\(time)","fieldsType":"FieldsV1","fieldsV1":{\
            "f:data":{"f:changes":{},"f:url":{}},\
            "f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{},"f:slipway.io/instance":{}}}}}]},\
            "data":{"changes":"\(changes)","url":"postgres://db-\(number).example:5432/app?connect_timeout=10"}}
            """
    }
}
