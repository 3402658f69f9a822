import CRdkafka

/// One message, immutable; its bytes are lent, not copied.
///
/// A message that came from a consumer owns librdkafka's memory and frees it when the last reference goes; it keeps the
/// closed consumer's client alive until then. `@unchecked Sendable` holds because nothing changes after the initializer
/// and librdkafka lets any thread read and free a message.
public final class KafkaMessage: @unchecked Sendable {
    /// The topic's full name.
    public let topic: String
    /// The partition's number.
    public let partition: Int32
    /// The message's offset in the partition.
    public let offset: Int64
    let content: Content

    /// Makes a message from Swift values: for messages kept elsewhere, and for tests.
    public init(
        topic: String,
        partition: Int32 = 0,
        offset: Int64 = 0,
        timestamp: KafkaTimestamp = .unavailable,
        key: [UInt8]? = nil,
        value: [UInt8]?,
        headers: [KafkaHeader] = []
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        content = .values(Values(timestamp: timestamp, key: key, value: value, headers: headers))
    }

    /// Takes over a message librdkafka made.
    init(consuming message: UnsafeMutablePointer<rd_kafka_message_t>, topic: String, of handle: RDKafkaHandle) {
        self.topic = topic
        partition = message.pointee.partition
        offset = message.pointee.offset
        content = .native(message, handle)
    }

    deinit {
        switch content {
        case .native(let message, _): rd_kafka_message_destroy(message)
        case .values(let values): values.free()
        }
    }

    /// The partition the message was read from.
    public var topicPartition: KafkaTopicPartition { KafkaTopicPartition(topic: topic, partition: partition) }

    /// The place behind this message.
    public var nextPosition: KafkaPosition { KafkaPosition(topicPartition, offset: offset + 1) }

    /// The message's time and who set it.
    public var timestamp: KafkaTimestamp {
        switch content {
        case .values(let values):
            return values.timestamp
        case .native(let message, _):
            var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
            let milliseconds = rd_kafka_message_timestamp(message, &kind)
            switch kind {
            case RD_KAFKA_TIMESTAMP_CREATE_TIME:
                return KafkaTimestamp(kind: .createTime, millisecondsSince1970: milliseconds)
            case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME:
                return KafkaTimestamp(kind: .logAppendTime, millisecondsSince1970: milliseconds)
            default:
                return .unavailable
            }
        }
    }

    /// Lends the key's bytes; `nil` without calling the body when the key is null.
    ///
    /// The bytes are valid only during the call.
    @inlinable
    public func withKey<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        guard let bytes = unsafeKey else { return nil }
        return try withExtendedLifetime(self) { try body(bytes) }
    }

    /// Lends the value's bytes; `nil` without calling the body when the value is null.
    ///
    /// The bytes are valid only during the call.
    @inlinable
    public func withValue<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        guard let bytes = unsafeValue else { return nil }
        return try withExtendedLifetime(self) { try body(bytes) }
    }

    /// A copy of the key; `nil` when it is null.
    public var keyBytes: [UInt8]? { withKey { Array($0) } }

    /// A copy of the value; `nil` when it is null.
    public var valueBytes: [UInt8]? { withValue { Array($0) } }

    /// The key as text; `nil` when it is null or not valid UTF-8.
    public var key: String? { withKey { String(checking: $0) } ?? nil }

    /// The value's size in bytes; 0 also for a null value.
    public var valueCount: Int {
        switch content {
        case .values(let values): values.value?.count ?? 0
        case .native(let message, _): message.pointee.len
        }
    }

    /// The value is null: in a compacted topic the end of its key.
    public var isTombstone: Bool {
        switch content {
        case .values(let values): values.value == nil
        case .native(let message, _): message.pointee.payload == nil
        }
    }
}
