import Foundation

/// A server that answers every connection with the same bytes, then says nothing more and keeps it open.
public final class SilentServer: Sendable {
    private let listener: Int32
    /// Where it listens.
    public let address: String

    /// Starts it.
    public init(saying text: String) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw NotSeen(description: "a port to listen on") }
        address = "http://127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
        Thread.detachNewThread {
            while case let peer = accept(listener, nil, nil), peer >= 0 {
                // Before the question is there, an answer would be none.
                var question = [UInt8](repeating: 0, count: 1 << 16)
                guard recv(peer, &question, question.count, 0) > 0 else { continue }
                _ = Array(text.utf8).withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }
}
