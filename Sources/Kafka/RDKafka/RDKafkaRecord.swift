import CRdkafka

/// Hands a ``KafkaRecord`` to librdkafka, which copies it.
enum RDKafkaRecord {
    /// Returns librdkafka's error object, which the caller owns, or `nil`.
    static func produce(_ record: KafkaRecord, tag: UInt64, with client: OpaquePointer) -> OpaquePointer? {
        let headers = makeHeaders(record.headers)
        let error = record.topic.withCString { topic in
            withBytes(record.key) { key, keyCount in
                withBytes(record.value) { value, valueCount in
                    var fields = Fields()
                    fields.add(RD_KAFKA_VTYPE_TOPIC) { $0.cstr = topic }
                    fields.add(RD_KAFKA_VTYPE_PARTITION) { $0.i32 = record.partition ?? -1 }
                    fields.add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.i = Int32(RD_KAFKA_MSG_F_COPY) }
                    fields.add(RD_KAFKA_VTYPE_KEY) { $0.mem = .init(ptr: key, size: keyCount) }
                    fields.add(RD_KAFKA_VTYPE_VALUE) { $0.mem = .init(ptr: value, size: valueCount) }
                    fields.add(RD_KAFKA_VTYPE_OPAQUE) { $0.ptr = crdkafka_tag_pointer(tag) }
                    if let time = record.timestampMilliseconds {
                        fields.add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.i64 = time }
                    }
                    if let headers { fields.add(RD_KAFKA_VTYPE_HEADERS) { $0.headers = headers } }
                    return rd_kafka_produceva(client, fields.values, fields.values.count)
                }
            }
        }
        // librdkafka takes the headers over only with the message.
        if error != nil, let headers { rd_kafka_headers_destroy(headers) }
        return error
    }

    private struct Fields {
        var values: [rd_kafka_vu_t] = []

        init() {
            values.reserveCapacity(8)
        }

        mutating func add(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_s.__Unnamed_union_u) -> Void) {
            var field = rd_kafka_vu_t()
            field.vtype = type
            set(&field.u)
            values.append(field)
        }
    }

    private static func makeHeaders(_ headers: [KafkaHeader]) -> OpaquePointer? {
        guard !headers.isEmpty, let list = rd_kafka_headers_new(headers.count) else { return nil }
        for header in headers {
            var name = header.name
            name.withUTF8 { name in
                name.withMemoryRebound(to: CChar.self) { name in
                    _ = withBytes(header.value) { value, count in
                        rd_kafka_header_add(list, name.baseAddress, name.count, value, value == nil ? -1 : count)
                    }
                }
            }
        }
        return list
    }

    /// Lends bytes so that `nil` is a null pointer and an empty array is not.
    private static func withBytes<R>(_ bytes: [UInt8]?, _ body: (UnsafeMutableRawPointer?, Int) -> R) -> R {
        guard let bytes else { return body(nil, 0) }
        guard !bytes.isEmpty else {
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) { body($0.baseAddress, 0) }
        }
        return bytes.withUnsafeBytes { body(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count) }
    }
}
