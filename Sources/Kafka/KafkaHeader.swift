/// One header of a message; names may repeat and order is kept.
public struct KafkaHeader: Hashable, Sendable {
    /// The header's name.
    public var name: String
    /// The header's bytes; `nil` is a null value, which Kafka tells from an empty one.
    public var value: [UInt8]?

    /// A header with a text value, sent as UTF-8.
    public init(_ name: String, _ text: String) {
        self.name = name
        self.value = Array(text.utf8)
    }

    /// A header with any bytes, or none.
    public init(name: String, value: [UInt8]?) {
        self.name = name
        self.value = value
    }

    /// The value as text; `nil` when it is null or not valid UTF-8.
    public var text: String? { value.flatMap { bytes in bytes.withUnsafeBytes { String(checking: $0) } } }
}
