/// The two ends of a partition as the broker reports them.
public struct KafkaWatermarks: Hashable, Sendable {
    /// The lowest offset that can still be read.
    public var low: Int64
    /// The offset the next message will get.
    public var high: Int64

    /// Names the two ends.
    public init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }
}
