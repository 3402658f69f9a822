import Foundation

/// A broker that answers questions of administrators as it is told: what the embedded one has no answer to.
///
/// It knows a list of topics, without partitions' content, and access control lists.
public final class BrokerDouble: Sendable {
    /// An entry of the access control lists, in the protocol's numbers.
    public struct Entry: Sendable {
        let type: Int8
        let operation: Int8
        let permission: Int8
        let name: String
        let isPrefix: Bool
        let principal: String

        /// Makes an entry for every host.
        public init(
            type: Int8,
            _ name: String,
            isPrefix: Bool = false,
            principal: String,
            operation: Int8,
            isAllowed: Bool = true
        ) {
            (self.type, self.operation, permission) = (type, operation, isAllowed ? 3 : 2)
            (self.name, self.isPrefix, self.principal) = (name, isPrefix, principal)
        }
    }

    private let listener: LoopbackListener
    private let topics: [String]
    private let forbidden: Set<String>
    private let entries: [Entry]
    private let error: Int16

    /// Starts it.
    ///
    /// - Parameters:
    ///   - topics: The topics that it shows, each with one partition.
    ///   - forbidden: Topics that it does not show, and of which it says so when asked by name.
    ///   - error: What it answers in place of the entries, if anything.
    public init(topics: [String] = [], forbidden: Set<String> = [], entries: [Entry] = [], error: Int16 = 0) throws {
        (self.topics, self.forbidden, self.entries, self.error) = (topics, forbidden, entries, error)
        listener = try LoopbackListener()
        listener.accept { [weak self] peer in
            guard let self else { return false }
            Thread.detachNewThread { self.serve(peer) }
            return true
        }
    }

    /// Where it listens.
    public var bootstrapServers: String { "127.0.0.1:\(listener.port)" }

    private func serve(_ peer: Int32) {
        defer { close(peer) }
        while let head = Self.read(4, from: peer), let request = Self.read(Self.count(head), from: peer) {
            var question = Bytes(request)
            let (key, version, correlation) = (question.int16(), question.int16(), question.int32())
            guard let answer = self.answer(key, version, &question) else { return }
            var frame = Bytes()
            frame.add(Int32(answer.bytes.count + 4))
            frame.add(correlation)
            let sent = frame.bytes + answer.bytes
            guard send(peer, sent, sent.count, Int32(MSG_NOSIGNAL)) == sent.count else { return }
        }
    }

    /// The body of an answer to a request of that kind; the question stands at its client's id.
    private func answer(_ key: Int16, _ version: Int16, _ question: inout Bytes) -> Bytes? {
        let known: [(Int16, Int16)] = [(3, 1), (18, 0), (29, 1), (32, 0)]
        var answer = Bytes()
        guard let newest = known.first(where: { $0.0 == key })?.1 else { return nil }
        if key == 18 {
            answer.add(Int16(version > newest ? 35 : 0))
            answer.add(Int32(known.count))
            for (key, newest) in known { for number in [key, newest, newest] { answer.add(number) } }
            return answer
        }
        _ = question.text()
        switch key {
        case 3: metadata(&question, &answer)
        case 29: access(&answer)
        default: properties(&question, &answer)
        }
        return answer
    }

    private func metadata(_ question: inout Bytes, _ answer: inout Bytes) {
        let count = question.int32()
        let asked = count < 0 ? topics : (0..<count).map { _ in question.text() }
        answer.add(Int32(1))
        answer.add(Int32(1))
        answer.add("127.0.0.1")
        answer.add(Int32(listener.port))
        answer.add(nil)
        answer.add(Int32(1))
        answer.add(Int32(asked.count))
        for topic in asked {
            let isThere = topics.contains(topic)
            answer.add(Int16(forbidden.contains(topic) ? 29 : isThere ? 0 : 3))
            answer.add(topic)
            answer.add(Int8(0))
            answer.add(Int32(isThere ? 1 : 0))
            guard isThere else { continue }
            answer.add(Int16(0))
            // The partition's number, its leader, and the brokers that keep it and that are up to date.
            for number: Int32 in [0, 1, 1, 1, 1, 1] { answer.add(number) }
        }
    }

    private func properties(_ question: inout Bytes, _ answer: inout Bytes) {
        _ = question.int32()
        _ = question.int8()
        let topic = question.text()
        answer.add(Int32(0))
        answer.add(Int32(1))
        answer.add(Int16(forbidden.contains(topic) ? 29 : topics.contains(topic) ? 0 : 3))
        answer.add(nil)
        answer.add(Int8(2))
        answer.add(topic)
        answer.add(Int32(0))
    }

    private func access(_ answer: inout Bytes) {
        answer.add(Int32(0))
        answer.add(error)
        answer.add(error == 0 ? nil : "as it was told")
        answer.add(Int32(error == 0 ? entries.count : 0))
        for entry in error == 0 ? entries : [] {
            answer.add(entry.type)
            answer.add(entry.name)
            answer.add(Int8(entry.isPrefix ? 4 : 3))
            answer.add(Int32(1))
            answer.add(entry.principal)
            answer.add("*")
            answer.add(entry.operation)
            answer.add(entry.permission)
        }
    }

    private static func count(_ head: [UInt8]) -> Int {
        var head = Bytes(head)
        return Int(head.int32())
    }

    private static func read(_ count: Int, from peer: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var part = [UInt8](repeating: 0, count: count - bytes.count)
            let got = recv(peer, &part, part.count, 0)
            guard got > 0 else { return nil }
            bytes += part.prefix(got)
        }
        return bytes
    }

    /// Numbers and texts as the protocol writes them.
    private struct Bytes {
        var bytes: [UInt8] = []
        private var place = 0

        init() {}

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func add(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
        }

        mutating func add(_ text: String?) {
            add(Int16(text.map(\.utf8.count) ?? -1))
            bytes += Array((text ?? "").utf8)
        }

        mutating func int8() -> Int8 { Int8(truncatingIfNeeded: take(1)) }
        mutating func int16() -> Int16 { Int16(truncatingIfNeeded: take(2)) }
        mutating func int32() -> Int32 { Int32(truncatingIfNeeded: take(4)) }

        mutating func text() -> String {
            let count = max(0, Int(int16()))
            defer { place += count }
            return String(decoding: bytes[place..<min(place + count, bytes.count)], as: UTF8.self)
        }

        private mutating func take(_ count: Int) -> Int {
            defer { place += count }
            return bytes[place..<min(place + count, bytes.count)].reduce(0) { $0 << 8 | Int($1) }
        }
    }
}
