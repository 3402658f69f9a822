#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension PostgresRow {
    /// An array of integers of any width, without nulls.
    public func int64s(_ column: Int) throws(PostgresError) -> [Int64] {
        try withoutNulls(try optionalInt64s(column), column)
    }

    /// An array of integers of any width.
    public func optionalInt64s(_ column: Int) throws(PostgresError) -> [Int64?] {
        try elements(column) { type, bytes in
            switch type {
            case PostgresType.int8: bytes.bigEndian(at: 0, as: Int64.self)
            case PostgresType.int4: Int64(bytes.bigEndian(at: 0, as: Int32.self))
            case PostgresType.int2: Int64(bytes.bigEndian(at: 0, as: Int16.self))
            default: nil
            }
        }
    }

    /// An array of texts (or enumeration labels, `json`, `jsonb`), without nulls.
    public func strings(_ column: Int) throws(PostgresError) -> [String] {
        try withoutNulls(try optionalStrings(column), column)
    }

    /// An array of texts (or enumeration labels, `json`, `jsonb`).
    public func optionalStrings(_ column: Int) throws(PostgresError) -> [String?] {
        try elements(column) { type, bytes in
            if type == PostgresType.jsonb { return String(decoding: bytes.dropFirst(), as: UTF8.self) }
            return PostgresType.isText(type) ? String(decoding: bytes, as: UTF8.self) : nil
        }
    }

    /// An array of `bytea` (or the UTF-8 of texts, `json`, `jsonb`).
    public func optionalByteArrays(_ column: Int) throws(PostgresError) -> [[UInt8]?] {
        try elements(column) { type, bytes in
            if type == PostgresType.jsonb { return [UInt8](bytes.dropFirst()) }
            return type == PostgresType.bytea || PostgresType.isText(type) ? [UInt8](bytes) : nil
        }
    }

    /// An array of `uuid`.
    public func optionalUUIDs(_ column: Int) throws(PostgresError) -> [UUID?] {
        try elements(column) { type, bytes in
            type == PostgresType.uuid ? UUID(uuid: bytes.loadUnaligned(as: uuid_t.self)) : nil
        }
    }

    /// An array of `boolean`.
    public func optionalBools(_ column: Int) throws(PostgresError) -> [Bool?] {
        try elements(column) { type, bytes in type == PostgresType.bool ? bytes[0] != 0 : nil }
    }

    /// An array of `double precision`.
    public func optionalDoubles(_ column: Int) throws(PostgresError) -> [Double?] {
        try elements(column) { type, bytes in
            type == PostgresType.float8 ? Double(bitPattern: bytes.bigEndian(at: 0, as: UInt64.self)) : nil
        }
    }

    /// An array of `timestamptz`, in microseconds since 1970-01-01 UTC.
    public func optionalTimestamps(_ column: Int) throws(PostgresError) -> [Int64?] {
        try elements(column) { type, bytes in
            guard type == PostgresType.timestamptz || type == PostgresType.timestamp else { return nil }
            return PostgresEpoch.fromServer(bytes.bigEndian(at: 0, as: Int64.self))
        }
    }

    /// Reads the binary form of a one-dimensional array; `decode` returns `nil` for a type it cannot read.
    private func elements<Value>(
        _ column: Int,
        _ decode: (UInt32, UnsafeRawBufferPointer) -> Value?
    ) throws(PostgresError) -> [Value?] {
        let field = try field(column)
        let bytes = field.bytes
        guard bytes.count >= 12, Self.isArray(field) else {
            throw mismatch(column, wanted: "an array", got: field.type)
        }
        let dimensions = bytes.bigEndian(at: 0, as: Int32.self)
        if dimensions == 0 { return [] }
        guard dimensions == 1 else { throw mismatch(column, wanted: "a one-dimensional array", got: field.type) }
        let type = bytes.bigEndian(at: 8, as: UInt32.self)
        let count = Int(bytes.bigEndian(at: 12, as: Int32.self))
        var values: [Value?] = []
        values.reserveCapacity(count)
        var offset = 20
        for _ in 0..<count {
            let length = Int(bytes.bigEndian(at: offset, as: Int32.self))
            offset += 4
            guard length >= 0 else {
                values.append(nil)
                continue
            }
            guard let value = decode(type, UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])) else {
                throw mismatch(column, wanted: "an array of the wanted element type", got: field.type)
            }
            values.append(value)
            offset += length
        }
        return values
    }

    /// Whether the field looks like an array: its type is a known array type or one made by a user.
    private static func isArray(_ field: Field) -> Bool {
        switch field.type {
        case 199, 1000...1003, 1005, 1007, 1009, 1014...1016, 1021, 1022, 1028, 1115, 1185, 2951, 3807: true
        default: field.type >= PostgresType.firstUserType
        }
    }

    private func withoutNulls<Value>(_ values: [Value?], _ column: Int) throws(PostgresError) -> [Value] {
        let present = values.compactMap { $0 }
        guard present.count == values.count else {
            throw PostgresError(kind: .decoding, message: "the array of column \(name(column)) holds a null")
        }
        return present
    }
}
