public import CloudEvents
public import Kafka

/// A Kafka message as handlers see it: readable, without a way to reach the consumer.
///
/// The topic is the logical one, without the fleet's prefix, so that contracts and signatures do not depend on where
/// a fleet runs. A parked message that is tried again looks like the original.
public struct KafkaMessageView: Sendable, CloudEventCarrier {
    @usableFromInline let message: KafkaMessage
    /// The topic's name without the fleet's prefix, such as `deployment.requests`.
    public let topic: String

    /// Whether it was parked and is tried again: then its headers may hold what the handler kept.
    public let isParked: Bool
    /// Whether it is parked and not tried again after this time.
    public let isLastTry: Bool
    /// What the names of headers begin with that a handler kept of a parked message.
    public static let keptPrefix = "slipway-kept-"

    /// Makes a view of a message.
    ///
    /// - Parameters:
    ///   - topic: The topic's name without the fleet's prefix.
    ///   - isParked: Whether it comes from the parked messages.
    ///   - isLastTry: Whether it does, and is not tried again after this time.
    public init(_ message: KafkaMessage, topic: String, isParked: Bool = false, isLastTry: Bool = false) {
        self.message = message
        self.topic = topic
        self.isParked = isParked
        self.isLastTry = isLastTry
    }

    /// What the handler kept under that name when the message was parked; `nil` for a message from Kafka.
    public func kept(_ name: String) -> String? { isParked ? header(Self.keptPrefix + name) : nil }

    /// Makes a view of values, for tests of decoders and handlers.
    ///
    /// - Parameter brokerTime: Milliseconds since 1970, taken as the broker's append time.
    public init(
        topic: String,
        partition: Int32 = 0,
        offset: Int64 = 0,
        brokerTime: Int64 = 0,
        key: String?,
        headers: [(String, String)],
        value: [UInt8]?
    ) {
        self.init(
            KafkaMessage(
                topic: topic,
                partition: partition,
                offset: offset,
                timestamp: KafkaTimestamp(kind: .logAppendTime, millisecondsSince1970: brokerTime),
                key: key.map { Array($0.utf8) },
                value: value,
                headers: headers.map { KafkaHeader($0.0, $0.1) }
            ),
            topic: topic
        )
    }

    /// The same message with another value.
    public func replacing(value: [UInt8]) -> KafkaMessageView {
        KafkaMessageView(
            KafkaMessage(
                topic: message.topic,
                partition: message.partition,
                offset: message.offset,
                timestamp: message.timestamp,
                key: message.keyBytes,
                value: value,
                headers: message.headers
            ),
            topic: topic,
            isParked: isParked,
            isLastTry: isLastTry
        )
    }

    /// Gives back what was made of the headers, after the last look at them that is likely.
    func forgetHeaders() { message.forgetHeaders() }

    /// The partition it was read from.
    public var partition: Int32 { message.partition }
    /// Its offset in the partition.
    public var offset: Int64 { message.offset }
    /// The key as text; `nil` when there is none or it is not UTF-8.
    public var key: String? { message.key }
    /// The key's bytes; `nil` when there is none.
    public var keyBytes: [UInt8]? { message.keyBytes }
    /// The message's timestamp in milliseconds since 1970; 0 when it has none.
    public var timestampMilliseconds: Int64 { message.timestamp.millisecondsSince1970 }
    /// Whether the broker set the timestamp when it appended the message, so that its sender could not choose it.
    public var isBrokerTime: Bool { message.timestamp.kind == .logAppendTime }
    /// The number of bytes of the value.
    public var valueCount: Int { message.valueCount }
    /// A copy of the value; `nil` for a tombstone.
    public var valueBytes: [UInt8]? { message.valueBytes }

    /// The last header of that name as text.
    public func header(_ name: String) -> String? { message.header(name) }

    /// The last header of a name that is a literal, as text: costs less than ``header(_:)``.
    public func text(ofHeader name: StaticString) -> String? { message.text(ofHeader: name) }

    /// Lends the bytes of the last header of that name; `nil` without calling the body when there is none or it is null.
    ///
    /// The bytes are valid only during the call.
    @inlinable
    public func withHeader<R>(_ name: StaticString, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        try message.withHeader(name, body)
    }

    /// Lends the key's bytes, which are valid inside the closure only; `nil` when there is none.
    @inlinable
    public func withKey<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        try message.withKey(body)
    }

    /// Calls with each header whose name begins with `ce_`, in order.
    public func forEachAttributeHeader(_ body: (_ name: String, _ text: String?) -> Void) {
        message.forEachHeader { name, value in
            guard name.starts(with: "ce_".utf8) else { return }
            body(String(decoding: name, as: UTF8.self), value.flatMap { String(validating: $0, as: UTF8.self) })
        }
    }

    /// Lends the value's bytes, which are valid inside the closure only; `nil` for a tombstone.
    @inlinable
    public func withValue<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        try message.withValue(body)
    }
}
