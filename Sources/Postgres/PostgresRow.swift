import CPq

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// One row of a result; columns are counted from 0.
///
/// A column that does not exist, is null or has another type throws a ``PostgresError`` of the kind `decoding`.
public struct PostgresRow: Sendable {
    let handle: ResultHandle
    let index: CInt

    /// Whether the column is null.
    public func isNull(_ column: Int) -> Bool {
        precondition(column >= 0 && column < handle.columnCount, "the result has no such column")
        return PQgetisnull(handle.pointer, index, CInt(column)) == 1
    }

    /// The position of a column by its name.
    public func column(named name: String) throws(PostgresError) -> Int {
        for column in 0..<handle.columnCount {
            if let candidate = PQfname(handle.pointer, CInt(column)), String(cString: candidate) == name {
                return column
            }
        }
        throw PostgresError(kind: .decoding, message: "the result has no column \(name)")
    }

    /// An integer of any width: `smallint`, `integer`, `bigint` or `oid`.
    public func int64(_ column: Int) throws(PostgresError) -> Int64 {
        let field = try field(column)
        switch field.type {
        case PostgresType.int8: return field.bytes.bigEndian(at: 0, as: Int64.self)
        case PostgresType.int4: return Int64(field.bytes.bigEndian(at: 0, as: Int32.self))
        case PostgresType.int2: return Int64(field.bytes.bigEndian(at: 0, as: Int16.self))
        case PostgresType.oid: return Int64(field.bytes.bigEndian(at: 0, as: UInt32.self))
        default: throw mismatch(column, wanted: "an integer", got: field.type)
        }
    }

    /// An integer that fits into 32 bits.
    public func int32(_ column: Int) throws(PostgresError) -> Int32 {
        guard let value = Int32(exactly: try int64(column)) else {
            throw PostgresError(kind: .decoding, message: "column \(name(column)) does not fit into 32 bits")
        }
        return value
    }

    /// An integer.
    public func int(_ column: Int) throws(PostgresError) -> Int {
        Int(try int64(column))
    }

    /// A `boolean`.
    public func bool(_ column: Int) throws(PostgresError) -> Bool {
        let field = try field(column)
        guard field.type == PostgresType.bool else { throw mismatch(column, wanted: "a boolean", got: field.type) }
        return field.bytes[0] != 0
    }

    /// A `double precision` or `real`.
    public func double(_ column: Int) throws(PostgresError) -> Double {
        let field = try field(column)
        switch field.type {
        case PostgresType.float8: return Double(bitPattern: field.bytes.bigEndian(at: 0, as: UInt64.self))
        case PostgresType.float4: return Double(Float(bitPattern: field.bytes.bigEndian(at: 0, as: UInt32.self)))
        default: throw mismatch(column, wanted: "a floating-point number", got: field.type)
        }
    }

    /// A text of any text type, an enumeration's label, or the text of a `json` or `jsonb`.
    public func string(_ column: Int) throws(PostgresError) -> String {
        String(decoding: try content(try field(column), of: column, binaryAllowed: false), as: UTF8.self)
    }

    /// A copy of a `bytea`, or of the UTF-8 of a text, `json` or `jsonb`.
    public func bytes(_ column: Int) throws(PostgresError) -> [UInt8] {
        [UInt8](try content(try field(column), of: column, binaryAllowed: true))
    }

    /// Lends the bytes of a `bytea`, or the UTF-8 of a text, `json` or `jsonb`, without a copy.
    ///
    /// The buffer is valid during `body` only.
    public func withBytes<R>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        try body(try content(try field(column), of: column, binaryAllowed: true))
    }

    /// A `uuid`.
    public func uuid(_ column: Int) throws(PostgresError) -> UUID {
        let field = try field(column)
        guard field.type == PostgresType.uuid else { throw mismatch(column, wanted: "a uuid", got: field.type) }
        return UUID(uuid: field.bytes.loadUnaligned(as: uuid_t.self))
    }

    /// A `timestamptz`, in microseconds since 1970-01-01 UTC.
    ///
    /// - Returns: `Int64.max` for `infinity`, `Int64.min` for `-infinity`.
    public func timestamp(_ column: Int) throws(PostgresError) -> Int64 {
        let field = try field(column)
        guard field.type == PostgresType.timestamptz || field.type == PostgresType.timestamp else {
            throw mismatch(column, wanted: "a timestamptz", got: field.type)
        }
        return PostgresEpoch.fromServer(field.bytes.bigEndian(at: 0, as: Int64.self))
    }
}

// MARK: Fields

extension PostgresRow {
    /// The bytes of a column and their type.
    struct Field {
        let type: UInt32
        let bytes: UnsafeRawBufferPointer
    }

    /// The bytes of a column that is not null; they live as long as the result.
    func field(_ column: Int) throws(PostgresError) -> Field {
        guard column >= 0, column < handle.columnCount else {
            throw PostgresError(kind: .decoding, message: "the result has no column \(column)")
        }
        let position = CInt(column)
        guard PQgetisnull(handle.pointer, index, position) == 0 else {
            throw PostgresError(kind: .decoding, message: "column \(name(column)) is null")
        }
        let count = Int(PQgetlength(handle.pointer, index, position))
        let start = UnsafeRawPointer(PQgetvalue(handle.pointer, index, position))
        return Field(
            type: PQftype(handle.pointer, position),
            bytes: UnsafeRawBufferPointer(start: start, count: count)
        )
    }

    /// The text or the bytes of a field, without the version byte of `jsonb`.
    private func content(
        _ field: Field,
        of column: Int,
        binaryAllowed: Bool
    ) throws(PostgresError) -> UnsafeRawBufferPointer {
        if field.type == PostgresType.jsonb { return UnsafeRawBufferPointer(rebasing: field.bytes.dropFirst()) }
        if PostgresType.isText(field.type) { return field.bytes }
        if binaryAllowed, field.type == PostgresType.bytea { return field.bytes }
        throw mismatch(column, wanted: binaryAllowed ? "a bytea or text" : "a text", got: field.type)
    }

    /// The error of a column that has another type than the caller asked for.
    func mismatch(_ column: Int, wanted: String, got type: UInt32) -> PostgresError {
        PostgresError(
            kind: .decoding,
            message:
                "column \(name(column)) is not \(wanted) but of the type with the oid \(type); cast it in the query"
        )
    }

    /// The name of a column, for messages.
    func name(_ column: Int) -> String {
        PQfname(handle.pointer, CInt(column)).map { String(cString: $0) } ?? "\(column)"
    }
}
