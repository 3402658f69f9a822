import FlyingFox
import FlyingSocks
import Foundation
public import Logging

/// Answers `/livez`, `/readyz` and `/metrics` for orchestrators and Prometheus.
///
/// A process makes one of its settings with ``start(_:logger:isAlive:isReady:)``.
public struct HealthServer: Sendable {
    let host: String
    let port: Int
    /// Whether the process should go on living.
    let isAlive: @Sendable () -> Bool
    /// Whether the process does its work now.
    let isReady: @Sendable () -> Bool

    /// The port that is set; 0 where there is to be no server.
    ///
    /// - Throws: ``StartError`` where it is no port, or its host no address.
    static func port(_ settings: Settings) throws(StartError) -> Int {
        let port = try settings.number("HTTP_PORT", default: 0, in: 0...65535)
        if port > 0 { _ = try host(settings) }
        return port
    }

    private static func host(_ settings: Settings) throws(StartError) -> String {
        let host = settings.text("HTTP_HOST") ?? "127.0.0.1"
        do {
            if host.contains(":") {
                _ = try sockaddr_in6.inet6(ip6: host, port: 0)
            } else {
                _ = try sockaddr_in.inet(ip4: host, port: 0)
            }
            return host
        } catch {
            throw StartError("SLIPWAY_HTTP_HOST is '\(host)'; it should be an address, such as '0.0.0.0' or '::'.")
        }
    }

    /// A server that does not listen yet; an address with colons is one of IPv6.
    private static func server(on host: String, port: UInt16) throws -> HTTPServer {
        guard host.contains(":") else {
            return HTTPServer(address: try sockaddr_in.inet(ip4: host, port: port), logger: .disabled)
        }
        return HTTPServer(address: try sockaddr_in6.inet6(ip6: host, port: port), logger: .disabled)
    }

    /// Serves on `SLIPWAY_HTTP_HOST` and `SLIPWAY_HTTP_PORT` until the returned task is canceled.
    ///
    /// A port that cannot be served is logged: a process does its work without anybody looking, too.
    ///
    /// - Parameters:
    ///   - settings: Where the port comes from; port 0, the default, turns the server off.
    ///   - isAlive: Whether the process should go on living; called for each look.
    ///   - isReady: Whether the process does its work now; called for each look.
    /// - Returns: What serves; `nil` where the server is turned off.
    /// - Throws: ``StartError`` for a port that is no port, or a host that is no address.
    public static func start(
        _ settings: Settings,
        logger: Logger,
        isAlive: @escaping @Sendable () -> Bool,
        isReady: @escaping @Sendable () -> Bool
    ) throws(StartError) -> Task<Void, Never>? {
        let port = try port(settings)
        guard port > 0 else { return nil }
        let server = HealthServer(
            host: try host(settings),
            port: port,
            isAlive: isAlive,
            isReady: isReady
        )
        // Unstructured: it serves beside the work for as long as the process lives, and is canceled at its end.
        return Task {
            do {
                try await server.run()
            } catch is CancellationError {
                return
            } catch {
                logger.error("health and metrics are not served on port \(port): \(error)")
            }
        }
    }

    /// Serves until the task is canceled.
    func run() async throws {
        let server = try Self.server(on: host, port: UInt16(port))
        await server.appendRoute("GET /livez") { _ in Self.answer(isAlive(), "alive", "the work stands still") }
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
