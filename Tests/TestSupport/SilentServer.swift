import Foundation

/// A server that answers every connection with the same bytes, then says nothing more and keeps it open.
public final class SilentServer: Sendable {
    private let listener: LoopbackListener
    /// Where it listens.
    public let address: String

    /// Starts it.
    public init(saying text: String) throws {
        listener = try LoopbackListener()
        address = "http://127.0.0.1:\(listener.port)"
        listener.accept { peer in
            // Before the question is there, an answer would be none.
            var question = [UInt8](repeating: 0, count: 1 << 16)
            if recv(peer, &question, question.count, 0) > 0 {
                _ = Array(text.utf8).withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            }
            return true
        }
    }
}
