/// The time Kafka keeps with a message, and who set it.
public struct KafkaTimestamp: Hashable, Sendable {
    /// Who set the time.
    public enum Kind: Sendable {
        /// The message carries no time.
        case unavailable
        /// The producer's clock.
        case createTime
        /// The broker's clock when it appended the message.
        case logAppendTime
    }

    /// Who set the time.
    public var kind: Kind
    /// Milliseconds since 1970; −1 when unavailable.
    public var millisecondsSince1970: Int64

    /// Names a time.
    public init(kind: Kind, millisecondsSince1970: Int64) {
        self.kind = kind
        self.millisecondsSince1970 = millisecondsSince1970
    }

    /// The time of a message that has none.
    public static let unavailable = KafkaTimestamp(kind: .unavailable, millisecondsSince1970: -1)
}
