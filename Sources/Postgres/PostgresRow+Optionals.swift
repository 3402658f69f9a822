#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension PostgresRow {
    /// An integer of any width, or `nil` for null.
    public func optionalInt64(_ column: Int) throws(PostgresError) -> Int64? {
        isNull(column) ? nil : try int64(column)
    }

    /// An integer that fits into 32 bits, or `nil` for null.
    public func optionalInt32(_ column: Int) throws(PostgresError) -> Int32? {
        isNull(column) ? nil : try int32(column)
    }

    /// An integer, or `nil` for null.
    public func optionalInt(_ column: Int) throws(PostgresError) -> Int? {
        isNull(column) ? nil : try int(column)
    }

    /// A `boolean`, or `nil` for null.
    public func optionalBool(_ column: Int) throws(PostgresError) -> Bool? {
        isNull(column) ? nil : try bool(column)
    }

    /// A floating-point number, or `nil` for null.
    public func optionalDouble(_ column: Int) throws(PostgresError) -> Double? {
        isNull(column) ? nil : try double(column)
    }

    /// A text, or `nil` for null.
    public func optionalString(_ column: Int) throws(PostgresError) -> String? {
        isNull(column) ? nil : try string(column)
    }

    /// A copy of the bytes, or `nil` for null.
    public func optionalBytes(_ column: Int) throws(PostgresError) -> [UInt8]? {
        isNull(column) ? nil : try bytes(column)
    }

    /// A `uuid`, or `nil` for null.
    public func optionalUUID(_ column: Int) throws(PostgresError) -> UUID? {
        isNull(column) ? nil : try uuid(column)
    }

    /// A `timestamptz` in microseconds since 1970-01-01 UTC, or `nil` for null.
    public func optionalTimestamp(_ column: Int) throws(PostgresError) -> Int64? {
        isNull(column) ? nil : try timestamp(column)
    }
}
