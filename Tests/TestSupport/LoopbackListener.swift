import Foundation

/// Listens on a free port of the loopback and hands each connection over; ends with whoever holds it.
final class LoopbackListener: Sendable {
    /// Where it listens.
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isListening else { throw NotSeen(description: "a port to listen on") }
        port = UInt16(bigEndian: place.sin_port)
    }

    deinit { end() }

    /// Takes no more connections.
    func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Accepts connections on a thread of its own until the body returns `false`, or this ends.
    ///
    /// Called once.
    func accept(_ body: @escaping @Sendable (_ peer: Int32) -> Bool) {
        Thread.detachNewThread { [descriptor] in
            while case let peer = Glibc.accept(descriptor, nil, nil), peer >= 0 {
                guard body(peer) else { break }
            }
            _ = Glibc.close(descriptor)
        }
    }
}
