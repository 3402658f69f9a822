/// A message to send.
public struct KafkaRecord: Hashable, Sendable {
    /// The topic's full name.
    public var topic: String
    /// The partition, or `nil` to let the key decide (murmur2, as Java's clients).
    public var partition: Int32?
    /// The key; `nil` is a null key, which spreads messages.
    public var key: [UInt8]?
    /// The value; `nil` is a tombstone.
    public var value: [UInt8]?
    /// The headers, in order.
    public var headers: [KafkaHeader]
    /// Milliseconds since 1970, or `nil` for the client's clock.
    public var timestampMilliseconds: Int64?

    /// Describes a message to send.
    public init(
        topic: String,
        partition: Int32? = nil,
        key: [UInt8]? = nil,
        value: [UInt8]?,
        headers: [KafkaHeader] = [],
        timestampMilliseconds: Int64? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.timestampMilliseconds = timestampMilliseconds
    }
}
