/// The parameters of one query in binary form, in one buffer that is kept for the next query.
struct ParameterBuffer {
    private enum Slot {
        case null
        case bytes(offset: Int, count: Int)
    }

    /// The types of the parameters; 0 where the server infers the type.
    private(set) var types: [UInt32] = []
    private var slots: [Slot] = []
    private var bytes: [UInt8] = []
    private var pointers: [UnsafePointer<CChar>?] = []
    private var lengths: [CInt] = []
    private var formats: [CInt] = []

    /// The protocol counts parameters in 16 bits.
    static let maximumCount = 65_535
    /// A buffer larger than this is given back after the query.
    private static let keptCapacity = 4 << 20

    /// Replaces the content by the binary form of `values`.
    mutating func encode(_ values: [PostgresValue]) throws(PostgresError) {
        guard values.count <= Self.maximumCount else {
            throw PostgresError(kind: .usage, message: "a query takes at most \(Self.maximumCount) parameters")
        }
        reset(count: values.count)
        for value in values {
            types.append(value.type)
            if case .null = value {
                slots.append(.null)
                continue
            }
            let offset = bytes.count
            try append(value)
            slots.append(.bytes(offset: offset, count: bytes.count - offset))
        }
    }

    /// Lends the parameters in the form libpq takes.
    ///
    /// The pointers are valid during `body` only.
    mutating func withPointers<R>(
        _ body: (CInt, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<CInt>?, UnsafePointer<CInt>?) -> R
    ) -> R {
        pointers.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        return bytes.withUnsafeBytes { raw in
            let base = raw.baseAddress
            for slot in slots {
                switch slot {
                case .null:
                    pointers.append(nil)
                    lengths.append(0)
                case .bytes(let offset, let count):
                    pointers.append(base.map { ($0 + offset).assumingMemoryBound(to: CChar.self) })
                    lengths.append(CInt(truncatingIfNeeded: count))
                }
            }
            return body(CInt(slots.count), pointers, lengths, formats)
        }
    }

    private mutating func reset(count: Int) {
        types.removeAll(keepingCapacity: true)
        slots.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
        // The first byte keeps the base address from being nil, which libpq would read as null.
        bytes.append(0)
        while formats.count < count { formats.append(1) }
    }

    private mutating func append(_ value: PostgresValue) throws(PostgresError) {
        switch value {
        case .null: break
        case .bool(let value): bytes.append(value ? 1 : 0)
        case .int16(let value): bytes.append(bigEndian: value)
        case .int32(let value): bytes.append(bigEndian: value)
        case .int64(let value): bytes.append(bigEndian: value)
        case .double(let value): bytes.append(bigEndian: value.bitPattern)
        case .text(let value):
            guard bytes.append(utf8: value) else { throw Self.zeroByte }
        case .bytes(let value), .json(let value): bytes.append(contentsOf: value)
        case .uuid(let value): bytes.append(uuid: value)
        case .timestamp(let value): bytes.append(bigEndian: PostgresEpoch.toServer(value))
        case .jsonb(let value):
            bytes.append(1)
            bytes.append(contentsOf: value)
        case .array(let array):
            if let fault = array.fault { throw PostgresError(kind: .usage, message: fault.rawValue) }
            array.write(to: &bytes)
        }
    }

    private static var zeroByte: PostgresError {
        PostgresError(kind: .usage, message: "a text holds a zero byte (U+0000), which PostgreSQL cannot store")
    }
}
