/// The end of one ``KafkaProducer/send(_:tag:)``: acknowledged by the broker, or failed for good.
public struct KafkaDelivery: Sendable {
    /// The number the sender gave.
    public var tag: UInt64
    /// Where the message was appended; the offset is −1001 when it is not known.
    public var position: KafkaPosition
    /// Why it was not acknowledged; the message may nevertheless be in the log after a time-out.
    public var error: KafkaError?
}
