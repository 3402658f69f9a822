import Foundation
import Glibc
import Synchronization
import WorkerRuntime

/// As much of a Kubernetes API server as an agent asks for: its kinds, three namespaces, and objects that change.
///
/// A thread accepts, and each connection has a thread of its own, which a watch blocks for as long as it goes on.
final class BenchAPIServer: Sendable {
    /// Where it listens, on this machine only.
    let port: UInt16
    let objects: BenchObjects
    private let cluster: String
    private let listener: Int32
    private let connections = Mutex<Set<Int32>>([])

    /// The namespace that the agent keeps its marks in.
    static let home = "slipway-agent"
    private static let bookmarkPause = Duration.seconds(30)

    /// What is served, by the path of its discovery.
    private static let kinds: [String: [(plural: String, kind: String)]] = [
        "/api/v1": [
            ("pods", "Pod"), ("services", "Service"), ("persistentvolumeclaims", "PersistentVolumeClaim"),
            ("configmaps", "ConfigMap"), ("secrets", "Secret"), ("events", "Event"), ("namespaces", "Namespace"),
        ],
        "/apis/apps/v1": [
            ("deployments", "Deployment"), ("replicasets", "ReplicaSet"), ("statefulsets", "StatefulSet"),
            ("daemonsets", "DaemonSet"),
        ],
        "/apis/batch/v1": [("jobs", "Job")],
        "/apis/networking.k8s.io/v1": [("ingresses", "Ingress")],
        "/apis/discovery.k8s.io/v1": [("endpointslices", "EndpointSlice")],
    ]
    private static let plurals = Set(kinds.values.joined().map(\.plural))

    /// Starts it.
    ///
    /// - Parameter cluster: Whose the namespace with the objects is.
    init(cluster: String, objects: BenchObjects) throws {
        (self.cluster, self.objects) = (cluster, objects)
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 128) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else {
            close(listener)
            throw StartError("The benchmark's API server cannot listen: \(String(cString: strerror(errno))).")
        }
        Thread.detachNewThread { self.accept() }
    }

    /// Ends every connection and listens no more.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        connections.withLock { open in
            for socket in open { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    private func accept() {
        while true {
            let socket = Glibc.accept(listener, nil, nil)
            guard socket >= 0 else { break }
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            connections.withLock { _ = $0.insert(socket) }
            Thread.detachNewThread {
                self.serve(BenchConnection(socket))
                self.connections.withLock { open in
                    open.remove(socket)
                    close(socket)
                }
            }
        }
        close(listener)
    }

    private func serve(_ connection: BenchConnection) {
        while let request = connection.next() {
            let isOpen: Bool
            if request.query["watch"] == "true" {
                isOpen = watch(request, connection)
            } else {
                let (status, body) = answer(to: request)
                isOpen = connection.answer(status, body)
            }
            guard isOpen else { return }
        }
    }

    // MARK: Answers

    private func answer(to request: BenchConnection.Request) -> (status: Int, body: String) {
        let path = request.path
        if ["POST", "PATCH"].contains(request.method) { return (200, stored(request.body)) }
        if let kinds = Self.kinds[path] {
            let list = kinds.map {
                #"{"name":"\#($0.plural)","kind":"\#($0.kind)","namespaced":\#($0.kind != "Namespace")}"#
            }
            return (200, #"{"kind":"APIResourceList","resources":[\#(list.joined(separator: ","))]}"#)
        }
        let parts = path.split(separator: "/").map(String.init)
        if path == "/api/v1/namespaces" { return (200, list([namespace(objects.namespace)])) }
        if parts.count == 4, path.hasPrefix("/api/v1/namespaces/"),
            ["kube-system", Self.home, objects.namespace].contains(parts[3])
        {
            return (200, namespace(parts[3]))
        }
        if isOfObjects(request) {
            let limit = request.query["limit"].flatMap { Int($0) } ?? objects.count
            return (200, objects.page(from: request.query["continue"].flatMap { Int($0) } ?? 0, limit: limit))
        }
        if let last = parts.last, Self.plurals.contains(last) { return (200, list([])) }
        return (404, #"{"kind":"Status","status":"Failure","reason":"NotFound","message":"\#(path)","code":404}"#)
    }

    private func isOfObjects(_ request: BenchConnection.Request) -> Bool {
        request.path == "/api/v1/namespaces/\(objects.namespace)/configmaps" && request.query["labelSelector"] == nil
    }

    private func list(_ items: [String]) -> String {
        #"{"metadata":{"resourceVersion":"\#(objects.version)"},"items":[\#(items.joined(separator: ","))]}"#
    }

    private func namespace(_ name: String) -> String {
        let labels = name == objects.namespace ? #","labels":{"slipway.io/cluster":"\#(cluster)"}"# : ""
        return #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"\#(name)","uid":"uid-of-\#(name)","#
            + #""resourceVersion":"1"\#(labels)},"status":{"phase":"Active"}}"#
    }

    /// What was sent, as if it had been stored.
    private func stored(_ body: Data) -> String {
        var object = (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:]
        var metadata = object["metadata"] as? [String: Any] ?? [:]
        metadata["uid"] = UUID().uuidString.lowercased()
        metadata["resourceVersion"] = String(objects.version)
        object["metadata"] = metadata
        return String(decoding: (try? JSONSerialization.data(withJSONObject: object)) ?? Data(), as: UTF8.self)
    }

    // MARK: Watches

    /// Sends what changes, and a bookmark now and then; returns whether the connection can be used again.
    private func watch(_ request: BenchConnection.Request, _ connection: BenchConnection) -> Bool {
        guard connection.begin() else { return false }
        let hasChanges = isOfObjects(request)
        let end = ContinuousClock.now + .seconds(request.query["timeoutSeconds"].flatMap { Int($0) } ?? 300)
        var bookmark = ContinuousClock.now + Self.bookmarkPause
        while ContinuousClock.now < end {
            if hasChanges {
                for line in objects.due() where !connection.send(piece: line) { return false }
            }
            if ContinuousClock.now >= bookmark {
                bookmark += Self.bookmarkPause
                let object = #"{"metadata":{"resourceVersion":"\#(objects.version)"}}"#
                guard connection.send(piece: #"{"type":"BOOKMARK","object":\#(object)}"# + "\n") else { return false }
            }
            // Changes go out one by one, as they do where they are made one by one.
            let pause: Int32 = hasChanges ? (objects.isChanging ? 2 : 100) : 1000
            guard connection.rest(milliseconds: pause) else { return false }
        }
        return connection.send(piece: "")
    }
}
