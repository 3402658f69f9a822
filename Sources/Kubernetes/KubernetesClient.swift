import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Speaks to the Kubernetes API: bytes in, bytes out, errors typed.
///
/// Nothing is tried again: who asks knows whether that is right.
public final class KubernetesClient: Sendable {
    /// What a body is that changes something.
    public enum Content: String, Sendable {
        /// An object.
        case json = "application/json"
        /// Members that are laid over an object's.
        case mergePatch = "application/merge-patch+json"
        /// What a field manager wants of an object.
        case apply = "application/apply-patch+yaml"
    }

    /// What is asked of the server.
    public enum Method: String, Sendable {
        /// Tell.
        case get = "GET"
        /// Make.
        case post = "POST"
        /// Change.
        case patch = "PATCH"
        /// Delete.
        case delete = "DELETE"
    }

    private let connections: KubernetesConnections
    private let server: String
    let discovery = KubernetesDiscovery()

    /// The longest answer that is taken in whole.
    private static let mostBytes = 256 << 20

    /// Makes a client; it connects when it is first asked.
    public init(_ configuration: KubernetesConfiguration) {
        connections = KubernetesConnections(configuration)
        var server = configuration.server
        if let name = configuration.serverName, let host = URL(string: server)?.host {
            server = server.replacingOccurrences(of: "://\(host)", with: "://\(name)")
        }
        self.server = server
    }

    /// Ends every connection; what is under way fails.
    public func close() async {
        await connections.close()
    }

    /// Asks and waits for the whole answer.
    ///
    /// - Parameters:
    ///   - path: From the slash on, such as `/api/v1/namespaces`.
    ///   - accept: What form the answer should have.
    public func send(
        _ method: Method,
        _ path: String,
        query: [(String, String)] = [],
        body: [UInt8]? = nil,
        content: Content = .json,
        accept: String = "application/json",
        limit: Duration = .seconds(30)
    ) async throws(KubernetesError) -> [UInt8] {
        let request = Request(method, path, query, body, content, accept)
        return try await Patience(limit).hold {
            let response = try await self.response(to: request)
            let bytes = Array(try await response.body.collect(upTo: Self.mostBytes).readableBytesView)
            guard (200..<300).contains(response.status.code) else {
                throw KubernetesError(status: Int(response.status.code), body: bytes)
            }
            return bytes
        }
    }

    /// Asks and hands over the answer line by line, as it comes; a line without an end is handed over at the end.
    ///
    /// - Parameters:
    ///   - longest: A longer line is handed over in pieces of this many bytes.
    ///   - limit: When the connection is cut at the latest.
    ///   - silence: How long nothing may come before it is taken for dead.
    ///   - take: What is done with a line, without its end; the next is not read before it returns.
    public func lines(
        _ path: String,
        query: [(String, String)] = [],
        accept: String = "application/json",
        longest: Int = 64 << 20,
        limit: Duration,
        silence: Duration? = nil,
        _ take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(KubernetesError) {
        let patience = Patience(limit, silence: silence)
        try await lines(path, query: query, accept: accept, longest: longest, patience: patience, take)
    }

    /// The same with a patience that its caller looks at.
    func lines(
        _ path: String,
        query: [(String, String)] = [],
        accept: String = "application/json",
        longest: Int = 64 << 20,
        patience: Patience,
        _ take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(KubernetesError) {
        let request = Request(.get, path, query, nil, .json, accept)
        try await patience.hold {
            let response = try await self.response(to: request)
            guard (200..<300).contains(response.status.code) else {
                let body = try? await response.body.collect(upTo: 1 << 20)
                throw KubernetesError(
                    status: Int(response.status.code),
                    body: body.map { Array($0.readableBytesView) } ?? []
                )
            }
            var rest: [UInt8] = []
            for try await buffer in response.body {
                patience.take()
                var view = buffer.readableBytesView[...]
                while let end = view.firstIndex(of: UInt8(ascii: "\n")) {
                    rest.append(contentsOf: view[..<end])
                    view = view[(end + 1)...]
                    try await take(rest)
                    rest.removeAll(keepingCapacity: rest.count < 1 << 16)
                }
                rest.append(contentsOf: view)
                if rest.count >= longest {
                    try await take(rest)
                    rest = []
                }
                patience.wait()
            }
            if !rest.isEmpty { try await take(rest) }
        }
    }

    private struct Request: Sendable {
        let method: Method
        let path: String
        let query: [(String, String)]
        let body: [UInt8]?
        let content: Content
        let accept: String

        init(
            _ method: Method,
            _ path: String,
            _ query: [(String, String)],
            _ body: [UInt8]?,
            _ content: Content,
            _ accept: String
        ) {
            (self.method, self.path, self.query, self.body) = (method, path, query, body)
            (self.content, self.accept) = (content, accept)
        }
    }

    /// Asks; who is not known, though there may be a newer token, asks once more.
    private func response(to request: Request) async throws(KubernetesError) -> HTTPClientResponse {
        let (response, token) = try await attempt(request)
        guard response.status.code == 401, await connections.forget(token) else { return response }
        return try await attempt(request).response
    }

    /// Asks once; also returns the token that was sent.
    private func attempt(
        _ request: Request
    ) async throws(KubernetesError) -> (response: HTTPClientResponse, token: String?) {
        let (client, token) = try await connections.current()
        var http = HTTPClientRequest(url: server + request.path + Self.text(request.query))
        http.method = HTTPMethod(rawValue: request.method.rawValue)
        http.headers.add(name: "Accept", value: request.accept)
        http.headers.add(name: "User-Agent", value: "slipway-cluster-agent")
        if let token { http.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body = request.body {
            http.headers.add(name: "Content-Type", value: request.content.rawValue)
            http.body = .bytes(ByteBuffer(bytes: body))
        }
        do {
            return (try await client.execute(http, deadline: .distantFuture), token)
        } catch is CancellationError {
            throw .unreachable("The request was given up.")
        } catch {
            throw .unreachable("The Kubernetes API cannot be reached: \(error)")
        }
    }

    private static func text(_ query: [(String, String)]) -> String {
        guard !query.isEmpty else { return "" }
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        let parts = query.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")"
        }
        return "?" + parts.joined(separator: "&")
    }
}
