import Glibc

/// A message of the outbox: a part of its row's bytes, which it shares with the row's other messages.
///
/// Nothing is copied for it: a relay hands the parts to librdkafka where they lie.
struct OutboxMessage {
    /// The parts of a message, valid as long as they are lent.
    struct Parts {
        let topic: UnsafeRawBufferPointer
        let key: UnsafeRawBufferPointer
        /// As ``HeaderBytes`` writes them.
        let headers: UnsafeRawBufferPointer
        /// `nil` is a tombstone.
        let value: UnsafeRawBufferPointer?
    }

    /// Where a message lies in its row: topic, key, headers and value follow each other.
    struct Place {
        let start: Int
        let topicCount: Int
        let keyCount: Int
        let headersCount: Int
        let valueCount: Int
        let hasValue: Bool
        let coalesces: Bool
    }

    private let content: [UInt8]
    private let place: Place

    /// A message at a place that lies within the bytes.
    init(_ content: [UInt8], _ place: Place) {
        (self.content, self.place) = (content, place)
    }

    /// A message with bytes of its own.
    init(topic: String, key: [UInt8], headers: [UInt8], value: [UInt8]?, coalesces: Bool) {
        content = Array(topic.utf8) + key + headers + (value ?? [])
        place = Place(
            start: 0,
            topicCount: topic.utf8.count,
            keyCount: key.count,
            headersCount: headers.count,
            valueCount: value?.count ?? 0,
            hasValue: value != nil,
            coalesces: coalesces
        )
    }

    /// Whether an older state of the same key need not leave when this one does.
    var coalesces: Bool { place.coalesces }
    var topic: String { withParts { String(decoding: $0.topic, as: UTF8.self) } }
    /// Whether this is its topic, compared where it lies.
    func goes(to topic: String) -> Bool { withParts { $0.topic.elementsEqual(topic.utf8) } }
    var key: [UInt8] { withParts { Array($0.key) } }
    var headers: [UInt8] { withParts { Array($0.headers) } }
    var value: [UInt8]? { withParts { $0.value.map(Array.init) } }

    /// Lends the parts.
    func withParts<R, Failure: Error>(_ body: (Parts) throws(Failure) -> R) throws(Failure) -> R {
        try content.span.bytes.withUnsafeBytes { (bytes) throws(Failure) in
            var start = place.start
            func next(_ count: Int) -> UnsafeRawBufferPointer {
                defer { start += count }
                return UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
            }
            let (topic, key, headers) = (next(place.topicCount), next(place.keyCount), next(place.headersCount))
            return try body(
                Parts(
                    topic: topic,
                    key: key,
                    headers: headers,
                    value: place.hasValue ? next(place.valueCount) : nil
                )
            )
        }
    }
}

extension OutboxMessage {
    /// Topic and key of a message, compared where they lie.
    struct Identity: Hashable {
        private let message: OutboxMessage

        fileprivate init(_ message: OutboxMessage) {
            self.message = message
        }

        /// The same with bytes of its own.
        var key: OutboxKey { OutboxKey(topic: message.topic, key: message.key) }

        static func == (one: Self, other: Self) -> Bool {
            one.message.withParts { one in
                other.message.withParts { other in one.topic.isSame(as: other.topic) && one.key.isSame(as: other.key) }
            }
        }

        func hash(into hasher: inout Hasher) {
            message.withParts { parts in
                hasher.combine(bytes: parts.topic)
                hasher.combine(bytes: parts.key)
            }
        }
    }

    var identity: Identity { Identity(self) }
}

extension OutboxMessage: Equatable {
    static func == (one: Self, other: Self) -> Bool {
        one.identity == other.identity && one.coalesces == other.coalesces && one.headers == other.headers
            && one.value == other.value
    }
}

extension UnsafeRawBufferPointer {
    func isSame(as other: Self) -> Bool {
        guard count == other.count else { return false }
        guard count > 0, let mine = baseAddress, let others = other.baseAddress else { return true }
        return memcmp(mine, others, count) == 0
    }
}
