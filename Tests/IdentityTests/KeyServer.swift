import FlyingFox
import FlyingSocks
import Foundation
import Identity

/// An identity provider on this machine that publishes key sets.
struct KeyServer: Sendable {
    let port: UInt16
    private let server: HTTPServer
    private let task: Task<Void, any Error>

    /// Starts a server with an answer for each path.
    static func start(_ answers: [String: @Sendable (UInt16) -> HTTPResponse]) async throws -> KeyServer {
        let server = HTTPServer(address: try sockaddr_in.inet(ip4: "127.0.0.1", port: 0), logger: .disabled)
        let task = Task { try await server.run() }
        try await server.waitUntilListening()
        guard case .ip4(_, let port) = await server.listeningAddress else { throw CancellationError() }
        for (path, answer) in answers {
            await server.appendRoute(HTTPRoute(method: .GET, path: path)) { _ in answer(port) }
        }
        return KeyServer(port: port, server: server, task: task)
    }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    func stop() async {
        await server.stop()
        task.cancel()
    }

    static func document(_ text: String) -> HTTPResponse {
        HTTPResponse(statusCode: .ok, headers: [.contentType: "application/json"], body: Data(text.utf8))
    }

    static func redirect(_ address: String) -> HTTPResponse {
        HTTPResponse(statusCode: .found, headers: HTTPHeaders([.location: address]), body: Data())
    }
}

/// Runs blocking work as a lane does: on a thread of its own.
func onLane<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
    await withCheckedContinuation { continuation in
        Thread { continuation.resume(returning: body()) }.start()
    }
}
