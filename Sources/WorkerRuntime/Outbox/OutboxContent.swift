/// Messages of one transaction as the content of one row of the outbox, in their order.
///
/// Of each message a byte of flags, the lengths of topic, key, headers and value as four big-endian bytes each, and their
/// bytes; `outbox_messages` of the migrations reads the same. Rows hold several messages because what PostgreSQL does for
/// a row (index, locks, statements, vacuum) costs more than the bytes in it.
struct OutboxContent {
    /// The most bytes of a row with more than one message: such a row fits a page, so nothing of it is stored apart.
    static let longest = 8_000
    private static let coalescesFlag: UInt8 = 1
    private static let valueFlag: UInt8 = 2
    private static let prefixCount = 17

    private(set) var bytes: [UInt8] = []
    /// The number of messages.
    private(set) var count = 0

    /// Whether a message that takes so many bytes goes into the same row.
    func hasRoom(for size: Int) -> Bool { count == 0 || bytes.count + size <= Self.longest }

    /// Adds a message.
    mutating func append(_ record: OutboxRecord) {
        append(
            record.topic,
            key: record.key,
            headers: record.headerBytes,
            value: record.value,
            coalesces: record.coalesces
        )
    }

    private mutating func append(_ topic: String, key: [UInt8], headers: [UInt8], value: [UInt8]?, coalesces: Bool) {
        let lengths = [topic.utf8.count, key.count, headers.count, value?.count ?? 0]
        if bytes.isEmpty { bytes.reserveCapacity(max(Self.longest, Self.prefixCount + lengths.reduce(0, +))) }
        bytes.append((coalesces ? Self.coalescesFlag : 0) | (value == nil ? 0 : Self.valueFlag))
        for length in lengths { appendLength(length) }
        bytes.append(contentsOf: topic.utf8)
        bytes.append(contentsOf: key)
        bytes.append(contentsOf: headers)
        if let value { bytes.append(contentsOf: value) }
        count += 1
    }

    /// How many bytes a message takes.
    static func size(of record: OutboxRecord) -> Int {
        prefixCount + record.topic.utf8.count + record.key.count + record.headerBytes.count + (record.value?.count ?? 0)
    }

    private mutating func appendLength(_ length: Int) {
        withUnsafeBytes(of: UInt32(length).bigEndian) { bytes.append(contentsOf: $0) }
    }
}

// MARK: Reading

extension OutboxContent {
    /// The messages of a row, which share its bytes; `nil` where the bytes are not of this form.
    static func messages(_ content: [UInt8]) -> [OutboxMessage]? {
        content.withUnsafeBytes { bytes in
            var messages: [OutboxMessage] = []
            var start = 0
            while start < bytes.count {
                guard let place = place(at: start, in: bytes) else { return nil }
                messages.append(OutboxMessage(content, place))
                start = place.start + place.topicCount + place.keyCount + place.headersCount + place.valueCount
            }
            return messages.isEmpty ? nil : messages
        }
    }

    private static func place(at start: Int, in bytes: UnsafeRawBufferPointer) -> OutboxMessage.Place? {
        guard bytes.count - start >= prefixCount else { return nil }
        func length(_ number: Int) -> Int {
            Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + 1 + number * 4, as: UInt32.self)))
        }
        let place = OutboxMessage.Place(
            start: start + prefixCount,
            topicCount: length(0),
            keyCount: length(1),
            headersCount: length(2),
            valueCount: length(3),
            hasValue: bytes[start] & valueFlag > 0,
            coalesces: bytes[start] & coalescesFlag > 0
        )
        let headers = place.start + place.topicCount + place.keyCount
        guard headers + place.headersCount + place.valueCount <= bytes.count,
            HeaderBytes.areReadable(
                UnsafeRawBufferPointer(rebasing: bytes[headers..<headers + place.headersCount])
            )
        else { return nil }
        return place
    }

    /// The content of messages that were read.
    init(_ messages: some Sequence<OutboxMessage>) {
        for message in messages {
            append(
                message.topic,
                key: message.key,
                headers: message.headers,
                value: message.value,
                coalesces: message.coalesces
            )
        }
    }
}
