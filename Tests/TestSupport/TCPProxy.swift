import Foundation
import Synchronization

/// Passes connections on to a port of this machine, and cuts them when it is told to.
public final class TCPProxy: Sendable {
    private struct State {
        /// How many connections more end at once.
        var refusals = 0
        var isCut = false
        var isClosed = false
        /// Both ends of each connection.
        var links: [Int: (CInt, CInt)] = [:]
        var next = 0

        /// Whether the next connection ends at once.
        mutating func refusesNext() -> Bool {
            guard refusals > 0 else { return isCut }
            refusals -= 1
            return true
        }
    }

    /// Where it listens.
    public let port: UInt16
    private let target: UInt16
    private let listener: LoopbackListener
    private let state: Mutex<State>

    /// Listens on a free port.
    ///
    /// - Parameter refused: How many of the first connections end at once.
    public init(to target: UInt16, refusing refused: Int = 0) throws {
        self.target = target
        listener = try LoopbackListener()
        port = listener.port
        state = Mutex(State(refusals: refused))
        listener.accept { [self] client in
            guard !state.withLock({ $0.isClosed }) else { return false }
            accept(client)
            return true
        }
    }

    /// Ends every connection, and each new one at once, until ``heal()``.
    public func cut() {
        let links = state.withLock { state in
            state.isCut = true
            return Array(state.links.values)
        }
        for link in links { for end in [link.0, link.1] { shutdown(end, CInt(SHUT_RDWR)) } }
    }

    /// Lets connections pass again.
    public func heal() { state.withLock { $0.isCut = false } }

    /// Ends everything.
    public func close() {
        cut()
        state.withLock { $0.isClosed = true }
        listener.end()
    }

    private func accept(_ client: CInt) {
        let server = state.withLock { $0.refusesNext() } ? -1 : connected()
        guard server >= 0 else {
            _ = Glibc.close(client)
            return
        }
        let number = state.withLock { state in
            state.next += 1
            state.links[state.next] = (client, server)
            return state.next
        }
        let open = Mutex(2)
        let done: @Sendable () -> Void = { [self] in
            let isLast = open.withLock { open in
                open -= 1
                return open == 0
            }
            guard isLast else { return }
            state.withLock { $0.links[number] = nil }
            _ = Glibc.close(client)
            _ = Glibc.close(server)
        }
        for (source, sink) in [(client, server), (server, client)] {
            Thread {
                Self.pass(from: source, to: sink)
                done()
            }.start()
        }
    }

    private static func pass(from source: CInt, to sink: CInt) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count > 0 else { break }
            var sent = 0
            while sent < count {
                let written = buffer[sent..<count].withUnsafeBytes {
                    send(sink, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                guard written > 0 else { break }
                sent += written
            }
            if sent < count { break }
        }
        shutdown(source, CInt(SHUT_RDWR))
        shutdown(sink, CInt(SHUT_RDWR))
    }

    private func connected() -> CInt {
        let server = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(target)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            _ = Glibc.close(server)
            return -1
        }
        return server
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
