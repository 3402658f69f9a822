import Foundation
import Synchronization

/// Stands between the fleet and its database, and fails as networks do.
final class DatabaseProxy: Sendable {
    /// The port on 127.0.0.1 where it listens.
    let port: Int
    private let target: Int
    private let listener: CInt
    private let state = Mutex(State())

    private struct State {
        var links: [Int: Link] = [:]
        var next = 0
        var refuses = false
        var isClosed = false
        var isStalled = false
        var delay: Double = 0
        var commitsToDrop = 0
        var commitsDropped = 0
    }

    /// Two sockets whose ends were joined.
    private struct Link {
        let client: CInt
        let server: CInt
        var directions = 2
    }

    init(to target: Int) throws {
        self.target = target
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 128) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard isListening else { throw ChaosFailure("there is no free port for the proxy") }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { self.acceptAll() }
    }

    // MARK: Faults

    /// Breaks every connection.
    func cut() {
        state.withLock { state in
            for link in state.links.values { Self.shutdownBoth(link) }
        }
    }

    /// Breaks every connection and refuses new ones, until told otherwise.
    func setRefusing(_ refuses: Bool) {
        state.withLock { $0.refuses = refuses }
        if refuses { cut() }
    }

    /// Holds everything back, or lets it go on.
    func setStalled(_ isStalled: Bool) {
        state.withLock { $0.isStalled = isStalled }
    }

    /// Makes each piece take so many seconds longer.
    func setDelay(_ seconds: Double) {
        state.withLock { $0.delay = seconds }
    }

    /// Breaks the next connections whose COMMIT the server has answered, instead of passing the answer on.
    func dropAnswers(toCommits count: Int) {
        state.withLock { $0.commitsToDrop = count }
    }

    /// How many answers were dropped so far.
    var droppedAnswers: Int { state.withLock { $0.commitsDropped } }

    /// Takes every fault back.
    func heal() {
        state.withLock { state in
            (state.refuses, state.isStalled, state.delay, state.commitsToDrop) = (false, false, 0, 0)
        }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        heal()
        cut()
    }

    // MARK: Passing on

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else {
                if state.withLock({ $0.isClosed }) { return }
                // One that gave up, or no descriptor left for a moment: the next one is taken.
                Thread.sleep(forTimeInterval: 0.01)
                continue
            }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            let server = state.withLock { $0.refuses } ? -1 : Self.connect(to: target)
            guard server >= 0 else {
                Glibc.close(client)
                continue
            }
            for descriptor in [client, server] { Self.sendAtOnce(descriptor) }
            let number = state.withLock { state -> Int? in
                guard !state.refuses else { return nil }
                state.next += 1
                state.links[state.next] = Link(client: client, server: server)
                return state.next
            }
            guard let number else {
                for descriptor in [client, server] { Glibc.close(descriptor) }
                continue
            }
            Thread.detachNewThread { self.pass(from: client, to: server, link: number, isAnswers: false) }
            Thread.detachNewThread { self.pass(from: server, to: client, link: number, isAnswers: true) }
        }
    }

    private func pass(from source: CInt, to target: CInt, link: Int, isAnswers: Bool) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            wait()
            if isAnswers, isCommitDropped(buffer[..<count]) { break }
            guard Self.sendAll(buffer, count, to: target) else { break }
        }
        leave(link)
    }

    private func wait() {
        let delay = state.withLock { $0.delay }
        if delay > 0 { Thread.sleep(forTimeInterval: delay) }
        while state.withLock({ $0.isStalled }) { Thread.sleep(forTimeInterval: 0.01) }
    }

    /// CommandComplete with the tag COMMIT: the transaction is done, and nobody will hear of it.
    private func isCommitDropped(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard state.withLock({ $0.commitsToDrop > 0 }), bytes.contains(Self.commitAnswer) else { return false }
        return state.withLock { state in
            guard state.commitsToDrop > 0 else { return false }
            state.commitsToDrop -= 1
            state.commitsDropped += 1
            return true
        }
    }

    private static let commitAnswer: [UInt8] = [0x43, 0, 0, 0, 11] + Array("COMMIT".utf8) + [0]

    private func leave(_ number: Int) {
        state.withLock { state in
            guard var link = state.links[number] else { return }
            Self.shutdownBoth(link)
            link.directions -= 1
            guard link.directions == 0 else {
                state.links[number] = link
                return
            }
            state.links[number] = nil
            Glibc.close(link.client)
            Glibc.close(link.server)
        }
    }
}

// MARK: Sockets

extension DatabaseProxy {
    private static func shutdownBoth(_ link: Link) {
        shutdown(link.client, Int32(SHUT_RDWR))
        shutdown(link.server, Int32(SHUT_RDWR))
    }

    private static func sendAll(_ buffer: [UInt8], _ count: Int, to target: CInt) -> Bool {
        buffer.withUnsafeBytes { bytes in
            var sent = 0
            while sent < count {
                let step = send(target, bytes.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
                guard step > 0 else { return false }
                sent += step
            }
            return true
        }
    }

    private static func sendAtOnce(_ descriptor: CInt) {
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func connect(to port: Int) -> CInt {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(port: port)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            Glibc.close(descriptor)
            return -1
        }
        return descriptor
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
