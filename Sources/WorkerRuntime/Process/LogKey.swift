/// The keys of the runtime's log lines, so that they are spelt one way.
enum LogKey {
    static let lane = "lane"
    static let partition = "partition"
    static let partitions = "partitions"
    static let offset = "offset"
    static let key = "key"
    static let shard = "shard"
    static let epoch = "epoch"
    static let topic = "topic"
}
