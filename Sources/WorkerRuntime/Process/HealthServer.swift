import FlyingFox
import FlyingSocks
import Foundation

/// Answers `/livez`, `/readyz` and `/metrics` for orchestrators and Prometheus.
struct HealthServer {
    let host: String
    let port: Int
    /// Whether the process should go on living.
    let isAlive: @Sendable () -> Bool
    /// Whether the process does its work now.
    let isReady: @Sendable () -> Bool

    /// Serves until the task is canceled.
    func run() async throws {
        let address = try sockaddr_in.inet(ip4: host, port: UInt16(port))
        let server = HTTPServer(address: address, logger: .disabled)
        await server.appendRoute("GET /livez") { _ in Self.answer(isAlive(), "alive", "a lane stands still") }
        await server.appendRoute("GET /readyz") { _ in Self.answer(isReady(), "ready", "not ready") }
        await server.appendRoute("GET /metrics") { _ in
            HTTPResponse(
                statusCode: .ok,
                headers: [.contentType: "text/plain; version=0.0.4"],
                body: Data(PrometheusRegistry.shared.text().utf8)
            )
        }
        try await server.run()
    }

    private static func answer(_ isGood: Bool, _ good: String, _ bad: String) -> HTTPResponse {
        HTTPResponse(
            statusCode: isGood ? .ok : .serviceUnavailable,
            body: Data(((isGood ? good : bad) + "\n").utf8)
        )
    }
}
