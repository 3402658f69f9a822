import Foundation

/// Passes one connection on to a server, up to the COMMIT: then it closes both sides, before or after the server has seen it.
final class CommitDroppingForwarder: Sendable {
    let port: Int
    private let listener: CInt

    struct Failure: Error {}

    init(to target: Int, forwardsCommit: Bool) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard isListening else { throw Failure() }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread {
            let client = accept(listener, nil, nil)
            let server = Self.connect(to: target)
            Self.pump(client: client, server: server, forwardsCommit: forwardsCommit)
            close(client)
            close(server)
        }
    }

    deinit {
        close(listener)
    }

    private static func pump(client: CInt, server: CInt, forwardsCommit: Bool) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var isCommitting = false
        while true {
            var entries = [pollfd(fd: client, events: Int16(POLLIN), revents: 0)]
            entries.append(pollfd(fd: server, events: Int16(POLLIN), revents: 0))
            guard poll(&entries, 2, 60_000) > 0 else { return }
            for (source, target, entry) in [(client, server, entries[0]), (server, client, entries[1])]
            where entry.revents != 0 {
                let count = read(source, &buffer, buffer.count)
                // The server has answered: the transaction is committed, and nobody will hear of it.
                if count <= 0 || (source == server && isCommitting) { return }
                if source == client, String(decoding: buffer[..<count], as: UTF8.self).contains("commit\0") {
                    isCommitting = true
                    if !forwardsCommit { return }
                }
                guard write(target, buffer, count) == count else { return }
            }
        }
    }

    private static func connect(to port: Int) -> CInt {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: port)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
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
