import CRdkafka
import Glibc

/// The topics a client met, so that neither a name is allocated nor a table searched for each message.
struct RDKafkaTopics {
    private var byHandle: [OpaquePointer: RDKafkaTopic] = [:]
    private var byName: [String: RDKafkaTopic] = [:]
    private var latest: (handle: OpaquePointer, topic: RDKafkaTopic)?

    /// The topic of librdkafka's handle.
    mutating func topic(of handle: OpaquePointer) -> RDKafkaTopic {
        if let latest, latest.handle == handle, latest.topic.hasName(of: handle) { return latest.topic }
        if let known = byHandle[handle], known.hasName(of: handle) {
            latest = (handle, known)
            return known
        }
        let topic = topic(named: String(cString: rd_kafka_topic_name(handle)))
        byHandle[handle] = topic
        latest = (handle, topic)
        return topic
    }

    /// The topic of that name.
    mutating func topic(named name: String) -> RDKafkaTopic {
        if let known = byName[name] { return known }
        let topic = RDKafkaTopic(name)
        byName[name] = topic
        return topic
    }
}

/// One topic: its name, and the next offset to deliver from each assigned partition.
final class RDKafkaTopic {
    let name: String
    private let bytes: [CChar]
    private var expected: [Int64] = []

    init(_ name: String) {
        self.name = name
        bytes = Array(name.utf8CString)
    }

    /// Handles are reused after a topic is gone, so a known one is compared before it is trusted.
    func hasName(of handle: OpaquePointer) -> Bool {
        strcmp(rd_kafka_topic_name(handle), bytes) == 0
    }

    /// The next offset to deliver, or a negative number where that is not known.
    func nextOffset(of partition: Int32) -> Int64 {
        let index = Int(partition)
        return index < expected.count ? expected[index] : -1
    }

    /// Sets where delivery continues.
    func expect(_ offset: Int64, in partition: Int32) {
        guard partition >= 0 else { return }
        let index = Int(partition)
        while expected.count <= index { expected.append(-1) }
        expected[index] = offset
    }
}
