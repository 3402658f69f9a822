import CRdkafka

/// Which partition a key's messages go to.
public enum KafkaPartitioner {
    /// What Java's clients choose, and producers of this library: a hash (murmur2) of the key, modulo the number of partitions.
    ///
    /// - Parameters:
    ///   - key: The key's bytes; an empty key is a key.
    ///   - partitions: How many partitions there are; at least one.
    public static func murmur2(_ key: [UInt8], partitions: Int32) -> Int32 {
        precondition(partitions > 0, "a topic has at least one partition")
        return key.withUnsafeBytes { bytes in
            rd_kafka_msg_partitioner_murmur2(nil, bytes.baseAddress, bytes.count, partitions, nil, nil)
        }
    }
}
