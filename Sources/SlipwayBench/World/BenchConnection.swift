import Foundation
import Glibc

/// A connection of HTTP/1.1, for its own thread: every call blocks, and tells when the other side has gone.
final class BenchConnection {
    /// A request as it came.
    struct Request {
        let method: String
        /// The path, without the query.
        let path: String
        let query: [String: String]
        let body: Data
    }

    private let socket: Int32
    private var received = Data()
    private static let headEnd = Data("\r\n\r\n".utf8)

    /// Takes a connected socket, which its caller closes.
    init(_ socket: Int32) {
        self.socket = socket
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout.size(ofValue: on)))
    }

    /// The next request; `nil` when the other side has gone, or says what cannot be read.
    func next() -> Request? {
        while true {
            if let end = received.range(of: Self.headEnd) {
                let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
                received = Data(received[end.upperBound...])
                return request(head)
            }
            guard receive() else { return nil }
        }
    }

    private func request(_ head: String) -> Request? {
        let lines = head.split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count == 3, let target = URLComponents(string: String(words[1])) else { return nil }
        let name = "content-length:"
        let field = lines.first { $0.lowercased().hasPrefix(name) }?.dropFirst(name.count)
        let length = field.flatMap { Int($0.trimmingCharacters(in: .whitespaces)) } ?? 0
        while received.count < length {
            guard receive() else { return nil }
        }
        let body = received.prefix(length)
        received = Data(received.dropFirst(body.count))
        let items = (target.queryItems ?? []).map { ($0.name, $0.value ?? "") }
        return Request(
            method: String(words[0]),
            path: target.path,
            query: Dictionary(items) { $1 },
            body: Data(body)
        )
    }

    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        received.append(contentsOf: buffer[..<count])
        return true
    }

    /// Answers as a whole.
    func answer(_ status: Int, _ body: String) -> Bool {
        let head =
            "HTTP/1.1 \(status) -\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        return send(head + body)
    }

    /// Begins an answer that goes on for as long as there are pieces.
    func begin() -> Bool {
        send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    }

    /// A piece of an answer; an empty one ends it.
    func send(piece: String) -> Bool { send("\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n") }

    /// Waits; returns early, with `false`, when the other side has gone or speaks out of turn.
    func rest(milliseconds: Int32) -> Bool {
        var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, milliseconds) == 0
    }

    private func send(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let sent = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            bytes = bytes.dropFirst(sent)
        }
        return true
    }
}
