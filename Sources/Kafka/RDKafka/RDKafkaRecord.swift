import CRdkafka

/// Hands a message to librdkafka, which copies it.
enum RDKafkaRecord {
    /// Returns librdkafka's error object, which the caller owns, or `nil`; then the message has the headers.
    static func produce(
        _ record: KafkaLentRecord,
        _ headers: inout KafkaHeaderList,
        tag: UInt64,
        with client: OpaquePointer
    ) -> OpaquePointer? {
        let error = record.topic.withCString { topic in
            withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { buffer in
                var fields = Fields(buffer)
                fields.add(RD_KAFKA_VTYPE_TOPIC) { $0.cstr = topic }
                fields.add(RD_KAFKA_VTYPE_PARTITION) { $0.i32 = record.partition ?? -1 }
                fields.add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.i = Int32(RD_KAFKA_MSG_F_COPY) }
                fields.add(RD_KAFKA_VTYPE_KEY) {
                    $0.mem = .init(ptr: record.key.flatMap(pointer), size: record.key?.count ?? 0)
                }
                fields.add(RD_KAFKA_VTYPE_VALUE) {
                    $0.mem = .init(ptr: record.value.flatMap(pointer), size: record.value?.count ?? 0)
                }
                fields.add(RD_KAFKA_VTYPE_OPAQUE) { $0.ptr = crdkafka_tag_pointer(tag) }
                if let time = record.timestampMilliseconds { fields.add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.i64 = time } }
                if let list = headers.list { fields.add(RD_KAFKA_VTYPE_HEADERS) { $0.headers = list } }
                return rd_kafka_produceva(client, buffer.baseAddress, fields.count)
            }
        }
        // librdkafka takes the headers over only with the message.
        if error == nil { headers.isTaken() }
        return error
    }

    /// Where bytes begin; no bytes begin somewhere, too, because to librdkafka a null pointer is null and not empty.
    static func pointer(to bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer? {
        bytes.baseAddress.map(UnsafeMutableRawPointer.init(mutating:)) ?? UnsafeMutableRawPointer(bitPattern: 1)
    }

    /// Fields in memory that is lent.
    private struct Fields {
        private let values: UnsafeMutableBufferPointer<rd_kafka_vu_t>
        private(set) var count = 0

        init(_ values: UnsafeMutableBufferPointer<rd_kafka_vu_t>) {
            self.values = values
        }

        mutating func add(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_s.__Unnamed_union_u) -> Void) {
            var field = rd_kafka_vu_t()
            field.vtype = type
            set(&field.u)
            values.initializeElement(at: count, to: field)
            count += 1
        }
    }
}
