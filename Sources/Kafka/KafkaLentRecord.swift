/// A message to send whose bytes belong to someone else and are valid during the send.
public struct KafkaLentRecord {
    /// The topic's full name.
    public var topic: String
    /// The partition, or `nil` to let the key decide (murmur2, as Java's clients).
    public var partition: Int32?
    /// The key; `nil` is a null key, which spreads messages.
    public var key: UnsafeRawBufferPointer?
    /// The value; `nil` is a tombstone.
    public var value: UnsafeRawBufferPointer?
    /// Milliseconds since 1970, or `nil` for the client's clock.
    public var timestampMilliseconds: Int64?

    /// Describes a message to send.
    public init(
        topic: String,
        partition: Int32? = nil,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?,
        timestampMilliseconds: Int64? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.timestampMilliseconds = timestampMilliseconds
    }
}

extension KafkaRecord {
    /// Lends the record's bytes; `nil` stays `nil`, and no bytes are not `nil`.
    func lend(_ body: (KafkaLentRecord) throws(KafkaError) -> Void) throws(KafkaError) {
        let (keyBytes, valueBytes) = (key ?? [], value ?? [])
        try keyBytes.span.bytes.withUnsafeBytes { (lentKey) throws(KafkaError) in
            try valueBytes.span.bytes.withUnsafeBytes { (lentValue) throws(KafkaError) in
                try body(
                    KafkaLentRecord(
                        topic: topic,
                        partition: partition,
                        key: key == nil ? nil : lentKey,
                        value: value == nil ? nil : lentValue,
                        timestampMilliseconds: timestampMilliseconds
                    )
                )
            }
        }
    }
}
