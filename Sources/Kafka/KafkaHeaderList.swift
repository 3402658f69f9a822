import CRdkafka

/// The headers of a message that is being sent, as librdkafka keeps them; names may repeat and order is kept.
public struct KafkaHeaderList: ~Copyable {
    /// librdkafka's list, made with the first header; it belongs to this value until a message has it.
    private(set) var list: OpaquePointer?
    /// How many headers the list has room for at first.
    private static let usual = 16

    init() {}

    deinit {
        if let list { rd_kafka_headers_destroy(list) }
    }

    /// Adds a header; its bytes are copied, and no value is a null value.
    public mutating func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) {
        let list = list ?? rd_kafka_headers_new(Self.usual)
        self.list = list
        rd_kafka_header_add(
            list,
            RDKafkaRecord.pointer(to: name)?.assumingMemoryBound(to: CChar.self),
            name.count,
            value.flatMap(RDKafkaRecord.pointer),
            value?.count ?? -1
        )
    }

    /// Adds a header.
    public mutating func add(_ header: KafkaHeader) {
        var name = header.name
        name.withUTF8 { name in
            (header.value ?? []).withUnsafeBytes {
                add(UnsafeRawBufferPointer(name), header.value == nil ? nil : $0)
            }
        }
    }

    /// Notes that a message has the list now.
    mutating func isTaken() {
        list = nil
    }
}
