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
    /// The messages of a row; `nil` where the bytes are not of this form.
    static func messages(_ bytes: UnsafeRawBufferPointer) -> [OutboxMessage]? {
        var messages: [OutboxMessage] = []
        var place = 0
        func take(_ count: Int) -> UnsafeRawBufferPointer? {
            guard count >= 0, bytes.count - place >= count else { return nil }
            defer { place += count }
            return UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
        }
        func length() -> Int? { take(4).map { Int(UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self))) } }
        while place < bytes.count {
            guard let flags = take(1)?[0], let topicLength = length(), let keyLength = length(),
                let headersLength = length(), let valueLength = length(), let topic = take(topicLength),
                let key = take(keyLength), let headers = take(headersLength), let value = take(valueLength),
                HeaderBytes.areReadable(headers)
            else { return nil }
            messages.append(
                OutboxMessage(
                    topic: String(decoding: topic, as: UTF8.self),
                    key: Array(key),
                    headers: Array(headers),
                    value: flags & valueFlag > 0 ? Array(value) : nil,
                    coalesces: flags & coalescesFlag > 0
                )
            )
        }
        return messages.isEmpty ? nil : messages
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
