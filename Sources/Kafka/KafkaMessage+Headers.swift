import CRdkafka
import Glibc

extension KafkaMessage {
    /// Lends each header in order, without allocating; a null value is `nil`.
    ///
    /// The bytes are valid only during the call. Headers are parsed by the first use of a consumed message.
    public func forEachHeader(
        _ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeRawBufferPointer?) throws -> Void
    ) rethrows {
        switch content {
        case .values(let values):
            for header in values.headers {
                try header.name.withMemoryRebound(to: UInt8.self) { try body($0, header.value) }
            }
        case .native(let message, _):
            try Self.forEachHeader(of: message, body)
        }
    }

    /// The headers in order, copied.
    public var headers: [KafkaHeader] {
        var headers: [KafkaHeader] = []
        forEachHeader { name, value in
            headers.append(KafkaHeader(name: String(decoding: name, as: UTF8.self), value: value.map { Array($0) }))
        }
        return headers
    }

    /// The text of the last header of that name; `nil` when there is none, or it is null or not valid UTF-8.
    public func header(_ name: String) -> String? {
        withExtendedLifetime(self) { unsafeHeader(named: name).flatMap { String(checking: $0) } }
    }

    /// The text of the last header whose name is a literal: costs less than ``header(_:)``.
    public func text(ofHeader name: StaticString) -> String? {
        withExtendedLifetime(self) { unsafeHeader(name).flatMap { String(checking: $0) } }
    }

    /// Lends the bytes of the last header of that name; `nil` without calling the body when there is none or it is null.
    ///
    /// The bytes are valid only during the call.
    @inlinable
    public func withHeader<R>(_ name: StaticString, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        guard let bytes = unsafeHeader(name) else { return nil }
        return try withExtendedLifetime(self) { try body(bytes) }
    }

    /// Frees what librdkafka made of the headers; who asks for one again has them parsed again.
    ///
    /// Each header is memory of its own. Who keeps many messages and has read their headers gives it back for the next
    /// message's, which is a sixth of what a consumer of small messages does. Must not be called while headers are lent or
    /// another thread reads them.
    public func forgetHeaders() {
        guard case .native(let message, _) = content else { return }
        var list: OpaquePointer?
        guard rd_kafka_message_detach_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return }
        rd_kafka_headers_destroy(list)
    }

    private static func forEachHeader(
        of message: UnsafePointer<rd_kafka_message_t>,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeRawBufferPointer?) throws -> Void
    ) rethrows {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return }
        var index = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var count = 0
        while rd_kafka_header_get_all(list, index, &name, &value, &count) == RD_KAFKA_RESP_ERR_NO_ERROR, let text = name
        {
            let length = strlen(text)
            try text.withMemoryRebound(to: UInt8.self, capacity: length) { bytes in
                let value = value.map { UnsafeRawBufferPointer(start: $0, count: count) }
                try body(UnsafeBufferPointer(start: bytes, count: length), value)
            }
            index += 1
        }
    }
}
