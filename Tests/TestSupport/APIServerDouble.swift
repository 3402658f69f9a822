import FlyingFox
import FlyingSocks
import Foundation
import Synchronization

/// A server that answers as a Kubernetes API server might, also as a real one cannot be made to.
public final class APIServerDouble: Sendable {
    /// A request as it came.
    public struct Request: Sendable {
        /// Such as `GET`.
        public let method: String
        /// The path, without the query.
        public let path: String
        /// The query.
        public let query: [String: String]
        /// The headers by their names in small letters.
        public let headers: [String: String]
        /// What was sent.
        public let body: [UInt8]
    }

    /// An answer: its status and its body.
    public typealias Answer = (status: Int, body: String)

    private let task: Task<Void, any Error>
    /// Where it listens.
    public let address: String

    /// Starts it.
    public init(_ answer: @escaping @Sendable (Request) -> Answer) async throws {
        let server = HTTPServer(address: try sockaddr_in.inet(ip4: "127.0.0.1", port: 0), logger: .disabled)
        let seen = SeenRequests()
        requests = seen
        await server.appendRoute("*") { request in
            let told = Request(
                method: request.method.rawValue,
                path: request.path,
                query: request.query.reduce(into: [:]) { $0[$1.name] = $1.value },
                headers: request.headers.reduce(into: [:]) { $0[$1.key.rawValue.lowercased()] = $1.value },
                body: Array(try await request.bodyData)
            )
            seen.add(told)
            let (status, body) = answer(told)
            return HTTPResponse(statusCode: HTTPStatusCode(status, phrase: ""), body: Data(body.utf8))
        }
        task = Task { try await server.run() }
        try await server.waitUntilListening()
        guard case .ip4(_, let port)? = await server.listeningAddress else { throw NotSeen(description: "a port") }
        address = "http://127.0.0.1:\(port)"
    }

    deinit { task.cancel() }

    private let requests: SeenRequests
    /// What was asked so far.
    public var asked: [Request] { requests.all }
}

private final class SeenRequests: Sendable {
    private let list = Mutex<[APIServerDouble.Request]>([])
    func add(_ request: APIServerDouble.Request) { list.withLock { $0.append(request) } }
    var all: [APIServerDouble.Request] { list.withLock { $0 } }
}
