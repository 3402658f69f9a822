import CRdkafka
import Glibc

extension KafkaMessage {
    /// Where a message's bytes lie.
    enum Content {
        /// In librdkafka's memory, which this message owns.
        case native(UnsafeMutablePointer<rd_kafka_message_t>, RDKafkaHandle)
        /// In memory of its own.
        case values(Values)
    }

    /// A message made of Swift values: copies at addresses that stay, freed with the message.
    struct Values {
        let timestamp: KafkaTimestamp
        let key: UnsafeRawBufferPointer?
        let value: UnsafeRawBufferPointer?
        let headers: [(name: UnsafeRawBufferPointer, head: UInt64, value: UnsafeRawBufferPointer?)]

        init(timestamp: KafkaTimestamp, key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader]) {
            self.timestamp = timestamp
            self.key = key.map(Self.copy)
            self.value = value.map(Self.copy)
            self.headers = headers.map { header in
                let name = Self.copy(Array(header.name.utf8))
                return (name, Self.head(name), header.value.map(Self.copy))
            }
        }

        private static func copy(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            copy.copyBytes(from: bytes)
            return UnsafeRawBufferPointer(copy)
        }

        func header(_ start: UnsafeRawPointer, count: Int) -> UnsafeRawBufferPointer? {
            let head = Self.head(UnsafeRawBufferPointer(start: start, count: count))
            var place = headers.count
            while place > 0 {
                place -= 1
                guard headers[place].head == head, headers[place].name.count == count else { continue }
                let name = headers[place].name
                if count <= 8 || name.baseAddress.map({ memcmp($0, start, count) == 0 }) ?? true {
                    return headers[place].value
                }
            }
            return nil
        }

        /// The first eight bytes as one number, the missing ones 0: most names differ there.
        private static func head(_ name: UnsafeRawBufferPointer) -> UInt64 {
            if name.count >= 8 { return name.loadUnaligned(as: UInt64.self) }
            return name.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }

        func free() {
            key?.deallocate()
            value?.deallocate()
            for header in headers {
                header.name.deallocate()
                header.value?.deallocate()
            }
        }
    }

    /// The key's bytes, valid as long as the message.
    @usableFromInline var unsafeKey: UnsafeRawBufferPointer? {
        switch content {
        case .values(let values): values.key
        case .native(let message, _):
            message.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) }
        }
    }

    /// The value's bytes, valid as long as the message.
    @usableFromInline var unsafeValue: UnsafeRawBufferPointer? {
        switch content {
        case .values(let values): values.value
        case .native(let message, _):
            message.pointee.payload.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.len) }
        }
    }

    /// The bytes of the last header of that name, valid as long as the message.
    @usableFromInline func unsafeHeader(_ name: StaticString) -> UnsafeRawBufferPointer? {
        if case .values(let values) = content { return values.header(name.utf8Start, count: name.utf8CodeUnitCount) }
        return name.utf8Start.withMemoryRebound(to: CChar.self, capacity: name.utf8CodeUnitCount + 1) {
            nativeHeader(named: $0)
        }
    }

    func unsafeHeader(named name: String) -> UnsafeRawBufferPointer? {
        name.withCString { text in
            if case .values(let values) = content { return values.header(text, count: name.utf8.count) }
            return nativeHeader(named: text)
        }
    }

    private func nativeHeader(named name: UnsafePointer<CChar>) -> UnsafeRawBufferPointer? {
        guard case .native(let message, _) = content else { return nil }
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return nil }
        var value: UnsafeRawPointer?
        var count = 0
        let found = rd_kafka_header_get_last(list, name, &value, &count)
        guard found == RD_KAFKA_RESP_ERR_NO_ERROR, let value else { return nil }
        return UnsafeRawBufferPointer(start: value, count: count)
    }
}
