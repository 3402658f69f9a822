import Domain
import Kubernetes
import Logging
import Synchronization
import TestSupport
import Testing

@testable import ClusterAgent

/// A watch goes on, whatever the server does.
@Suite(.timeLimit(.minutes(1)))
struct ObjectWatcherTests {
    /// What a watcher has told, in order.
    private final class Told: Sendable {
        private let words = Mutex<[String]>([])
        func add(_ word: String) { words.withLock { $0.append(word) } }
        var all: [String] { words.withLock { $0 } }
    }

    private func watch(
        _ server: APIServerDouble,
        _ told: Told,
        isOptional: Bool = false,
        rest: @escaping @Sendable (Duration) async -> Void = { _ in await Task.yield() },
        denied: @escaping @Sendable () async -> Void = {},
        until isSo: ([String]) -> Bool
    ) async throws {
        let client = KubernetesClient(KubernetesConfiguration(server: server.address, credential: .none))
        let name: @Sendable (ObjectValue) -> String = { $0.path("metadata", "name")?.string ?? "?" }
        let kind = try await client.requireKind("Pod", "v1")
        let watcher = ObjectWatcher(
            client: client,
            kind: kind,
            namespace: "shop",
            labels: nil,
            logger: Logger(label: "test"),
            read: { $0 },
            replace: { told.add("list " + $0.map(name).joined(separator: ",")) },
            put: { told.add("put " + name($0)) },
            remove: { told.add("remove " + name($0)) },
            isOptional: isOptional,
            rest: rest,
            // However busy the machine is.
            shortestWatch: .seconds(3600),
            denied: denied
        )
        let task = Task { await watcher.run() }
        let end = ContinuousClock.now + .seconds(30)
        while !isSo(told.all), .now < end { await Task.yield() }
        task.cancel()
        await client.close()
        await task.value
        #expect(isSo(told.all), "\(told.all)")
    }

    private static let kinds = #"{"resources":[{"name":"pods","kind":"Pod","namespaced":true}]}"#

    private static func list(_ names: [String], version: Int, next: String = "") -> String {
        let items = names.map { #"{"metadata":{"name":"\#($0)"}}"# }.joined(separator: ",")
        return #"{"metadata":{"resourceVersion":"\#(version)","continue":"\#(next)"},"items":[\#(items)]}"#
    }

    private static func change(_ type: String, _ name: String, version: Int) -> String {
        #"{"type":"\#(type)","object":{"metadata":{"name":"\#(name)","resourceVersion":"\#(version)"}}}"# + "\n"
    }

    @Test func `it lists page by page, follows, and goes on from the newest version, bookmarks too`() async throws {
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            if request.query["watch"] == nil {
                return (
                    200,
                    request.query["continue"] == "more"
                        ? Self.list(["b"], version: 7) : Self.list(["a"], version: 7, next: "more")
                )
            }
            switch request.query["resourceVersion"] {
            case "7": return (200, Self.change("ADDED", "c", version: 8) + Self.change("DELETED", "a", version: 9))
            case "9": return (200, Self.change("BOOKMARK", "", version: 20))
            default: return (200, Self.change("MODIFIED", "b", version: 21))
            }
        }
        let told = Told()
        try await watch(server, told) { $0.contains("put b") }
        #expect(told.all.prefix(4) == ["list a,b", "put c", "remove a", "put b"])
        #expect(server.asked.contains { $0.query["resourceVersion"] == "20" })
    }

    @Test(arguments: [true, false])
    func `what it would follow is too old: it lists again`(asStatus: Bool) async throws {
        let lists = Mutex(0)
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            if request.query["watch"] == nil {
                let number = lists.withLock { lists in
                    lists += 1
                    return lists
                }
                return (200, Self.list(["p\(number)"], version: number))
            }
            guard request.query["resourceVersion"] == "1" else { return (200, "") }
            let gone = #"{"kind":"Status","code":410,"reason":"Expired","message":"too old"}"#
            return asStatus ? (410, gone) : (200, #"{"type":"ERROR","object":\#(gone)}"# + "\n")
        }
        let told = Told()
        try await watch(server, told) { $0.contains("list p2") }
        #expect(told.all.prefix(2) == ["list p1", "list p2"])
    }

    @Test(arguments: [false, true])
    func `a server that does not know a kind for a moment has not lost its objects`(isOptional: Bool) async throws {
        let asked = Mutex(0)
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            let count = asked.withLock { asked -> Int in
                asked += 1
                return asked
            }
            if count == 2 { return (404, "404 page not found") }
            return (200, request.query["watch"] == nil ? Self.list(["a"], version: 5) : "")
        }
        let told = Told()
        try await watch(server, told, isOptional: isOptional) { $0.count >= 2 }
        #expect(told.all.prefix(2) == ["list a", "list a"])
    }

    static let absences: [(status: Int, body: String)] = [
        (404, "404 page not found"),
        (403, #"{"reason":"Forbidden","message":"pods is forbidden: User \"a\" cannot list pods"}"#),
    ]

    @Test(arguments: absences)
    func `of a kind that the server does not have, or nobody may see, there is nothing`(
        status: Int,
        body: String
    ) async throws {
        let server = try await APIServerDouble { request in
            request.path.hasSuffix("/pods") ? (status, body) : (200, Self.kinds)
        }
        let told = Told()
        try await watch(server, told, isOptional: true) { !$0.isEmpty }
        #expect(told.all.first == "list ")
    }

    @Test func `a kind that is taken from the server takes its objects along`() async throws {
        let isThere = Mutex(true)
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            guard isThere.withLock({ $0 }) else { return (404, "404 page not found") }
            return (200, request.query["watch"] == nil ? Self.list(["a"], version: 5) : "")
        }
        let told = Told()
        try await watch(server, told, isOptional: true) { told in
            if told.contains("list a") { isThere.withLock { $0 = false } }
            return told.last == "list "
        }
    }

    @Test func `rights that were taken away are asked for, and then it lists`() async throws {
        let isGranted = Mutex(false)
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            guard isGranted.withLock({ $0 }) else {
                return (403, #"{"reason":"Forbidden","message":"pods is forbidden: User \"a\" cannot list pods"}"#)
            }
            return request.query["watch"] == nil ? (200, Self.list(["a"], version: 5)) : (200, "")
        }
        let told = Told()
        try await watch(server, told, denied: { isGranted.withLock { $0 = true } }) { $0.contains("list a") }
        #expect(told.all == ["list a"])
    }

    @Test func `a server that ends each watch at once is not asked without a break`() async throws {
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            return (200, request.query["watch"] == nil ? Self.list(["a"], version: 5) : "")
        }
        let told = Told()
        // How many watches were asked for at each break.
        let breaks = Mutex<[Int]>([])
        let rest: @Sendable (Duration) async -> Void = { pause in
            #expect(pause > .zero)
            breaks.withLock { $0.append(server.asked.count { $0.query["watch"] != nil }) }
        }
        try await watch(server, told, rest: rest) { _ in breaks.withLock { $0.count } >= 4 }
        #expect(breaks.withLock { $0.prefix(4) } == [1, 2, 3, 4])
    }

    @Test func `a server that fails for a while is followed from the same place`() async throws {
        let failures = Mutex(0)
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            if request.query["watch"] == nil { return (200, Self.list(["a"], version: 5)) }
            let count = failures.withLock { count in
                count += 1
                return count
            }
            return count < 3 ? (503, "") : (200, Self.change("ADDED", "b", version: 6))
        }
        let told = Told()
        try await watch(server, told) { $0.contains("put b") }
        #expect(told.all.prefix(2) == ["list a", "put b"], "it did not list again")
    }

    @Test func `a server that was put back to a day before is listed again: of what it has not reached it is silent`()
        async throws
    {
        let isBack = Mutex(false)
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            let wasBack = isBack.withLock { $0 }
            if request.query["watch"] == nil {
                return (200, wasBack ? Self.list(["b"], version: 3) : Self.list(["a"], version: 5))
            }
            // It is away meanwhile.
            isBack.withLock { $0 = true }
            guard wasBack else { return (503, "") }
            return (200, request.query["resourceVersion"] == "3" ? Self.change("ADDED", "c", version: 4) : "")
        }
        let told = Told()
        try await watch(server, told) { $0.contains("put c") }
        #expect(told.all.prefix(3) == ["list a", "list b", "put c"])
    }

    /// What follows changes on a connection that breaks: the server's own word for it, and the half of a line.
    static let breaks = [
        #"{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError","message":"etcd"}}"# + "\n",
        #"{"type":"ADDED","object":{"metadata":{"name""#,
    ]

    @Test(arguments: breaks)
    func `a watch that breaks after changes goes on from the newest of them, as if it had not failed`(
        end: String
    ) async throws {
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            if request.query["watch"] == nil { return (200, Self.list(["a"], version: 5)) }
            let version = request.query["resourceVersion"].flatMap { Int($0) } ?? 0
            return (200, Self.change("MODIFIED", "a\(version + 1)", version: version + 1) + end)
        }
        let told = Told()
        let pauses = Mutex<[Duration]>([])
        let rest: @Sendable (Duration) async -> Void = { pause in
            pauses.withLock { $0.append(pause) }
            await Task.yield()
        }
        try await watch(server, told, rest: rest) { $0.count >= 8 }
        #expect(told.all.prefix(4) == ["list a", "put a6", "put a7", "put a8"], "nothing is told twice")
        #expect(pauses.withLock { $0.allSatisfy { $0 <= .milliseconds(375) } })
    }

    @Test func `a watch that breaks because its place is too old lists again, also after changes`() async throws {
        let gone = #"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"old"}}"# + "\n"
        let server = try await APIServerDouble { request in
            guard request.path.hasSuffix("/pods") else { return (200, Self.kinds) }
            if request.query["watch"] == nil { return (200, Self.list(["a"], version: 5)) }
            return (200, Self.change("MODIFIED", "b", version: 6) + gone)
        }
        let told = Told()
        try await watch(server, told) { $0.count >= 4 }
        #expect(told.all.prefix(4) == ["list a", "put b", "list a", "put b"])
    }
}
