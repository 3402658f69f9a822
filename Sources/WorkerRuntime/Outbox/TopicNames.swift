/// The real names of topics, each made once, found by the bytes of their logical names.
struct TopicNames {
    private let prefix: String
    private var known: [(bytes: [UInt8], name: String)] = []
    /// A fleet has a topic for each cluster's commands; the few others are what most messages go to.
    private static let most = 32

    /// Knows none yet.
    init(prefix: String) {
        self.prefix = prefix
    }

    /// The real name of a topic.
    mutating func name(of topic: UnsafeRawBufferPointer) -> String {
        for entry in known where entry.bytes.withUnsafeBytes({ $0.isSame(as: topic) }) { return entry.name }
        let name = prefix + String(decoding: topic, as: UTF8.self)
        if known.count < Self.most { known.append((Array(topic), name)) }
        return name
    }
}
