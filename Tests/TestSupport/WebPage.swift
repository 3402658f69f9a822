import Foundation
import Synchronization

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What a process answers on its HTTP port.
public struct WebPage: Sendable, Hashable {
    /// The status code.
    public let status: Int
    /// The body.
    public let body: String

    /// Makes the page that is expected.
    public init(status: Int, body: String) {
        self.status = status
        self.body = body
    }

    /// Gets a page of this machine; blocks.
    ///
    /// - Parameters:
    ///   - path: Begins with a slash.
    ///   - host: The machine's address, one of IPv6 in brackets.
    public static func get(port: Int, _ path: String) throws -> WebPage {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw NotSeen(description: path) }
        let found = Mutex<WebPage?>(nil)
        let answered = DispatchSemaphore(value: 0)
        URLSession.shared.dataTask(with: URLRequest(url: url, timeoutInterval: 10)) { data, response, _ in
            let status = (response as? HTTPURLResponse)?.statusCode
            found.withLock {
                $0 = status.map { WebPage(status: $0, body: String(decoding: data ?? Data(), as: UTF8.self)) }
            }
            answered.signal()
        }.resume()
        answered.wait()
        guard let page = found.withLock({ $0 }) else { throw NotSeen(description: "an answer from \(url)") }
        return page
    }

    /// What a server answers on `::1`, head and body; Foundation's client reads no addresses of that kind.
    public static func overIPv6(port: Int, _ path: String) throws -> String {
        let handle = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(handle) }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = in_port_t(port).bigEndian
        address.sin6_addr = in6addr_loopback
        let isConnected = withUnsafeBytes(of: &address) { bytes in
            connect(handle, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count)) == 0
        }
        let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        guard isConnected, send(handle, request, request.utf8.count, Int32(MSG_NOSIGNAL)) > 0 else {
            throw NotSeen(description: "a server on [::1]:\(port)")
        }
        var answer: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(handle, &part, part.count, 0), count > 0 { answer += part[..<count] }
        return String(decoding: answer, as: UTF8.self)
    }

    /// A port that nobody listens on now; another test's server may be given it next.
    public static func freePort() throws -> Int { try SilentPort().number }
}

/// A port that nobody listens on, and nobody else can have as long as this lives.
public final class SilentPort: Sendable {
    /// The port.
    public let number: Int
    private let handle: Int32

    /// Takes a port of the loopback and does not listen on it.
    public init() throws {
        handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { [handle] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, length) == 0 && getsockname(handle, $0, &length) == 0
            }
        }
        number = Int(UInt16(bigEndian: address.sin_port))
        guard isBound else { throw NotSeen(description: "a free port") }
    }

    deinit { close(handle) }
}
