#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension PostgresArray {
    /// An array of `bigint`.
    public static func int64s(_ values: [Int64]) -> PostgresArray {
        build(.int64, values) { $0.append($1) }
    }

    /// An array of `bigint` with nulls.
    public static func optionalInt64s(_ values: [Int64?]) -> PostgresArray {
        buildOptional(.int64, values) { $0.append($1) }
    }

    /// An array of `integer`.
    public static func int32s(_ values: [Int32]) -> PostgresArray {
        build(.int32, values) { $0.append($1) }
    }

    /// An array of `double precision`.
    public static func doubles(_ values: [Double]) -> PostgresArray {
        build(.double, values) { $0.append($1) }
    }

    /// An array of `text`.
    public static func texts(_ values: [String]) -> PostgresArray {
        build(.text, values) { $0.append($1) }
    }

    /// An array of `text` with nulls.
    public static func optionalTexts(_ values: [String?]) -> PostgresArray {
        buildOptional(.text, values) { $0.append($1) }
    }

    /// An array of `uuid`.
    public static func uuids(_ values: [UUID]) -> PostgresArray {
        build(.uuid, values) { $0.append($1) }
    }

    /// An array of `uuid` with nulls.
    public static func optionalUUIDs(_ values: [UUID?]) -> PostgresArray {
        buildOptional(.uuid, values) { $0.append($1) }
    }

    /// An array of `bytea`.
    public static func byteas(_ values: [[UInt8]]) -> PostgresArray {
        build(.bytea, values) { $0.append($1) }
    }

    /// An array of `bytea` with nulls.
    public static func optionalByteas(_ values: [[UInt8]?]) -> PostgresArray {
        buildOptional(.bytea, values) { $0.append($1) }
    }

    /// An array of `jsonb`, from JSON texts in UTF-8.
    public static func jsonbs(_ values: [[UInt8]]) -> PostgresArray {
        build(.jsonb, values) { $0.append($1) }
    }

    /// An array of `jsonb` with nulls, from JSON texts in UTF-8.
    public static func optionalJSONBs(_ values: [[UInt8]?]) -> PostgresArray {
        buildOptional(.jsonb, values) { $0.append($1) }
    }

    /// An array of `boolean`.
    public static func bools(_ values: [Bool]) -> PostgresArray {
        build(.bool, values) { $0.append($1) }
    }

    /// An array of `timestamptz`, from microseconds since 1970-01-01 UTC.
    public static func timestamps(_ values: [Int64]) -> PostgresArray {
        build(.timestamptz, values) { $0.append(timestamp: $1) }
    }

    /// An array of `timestamptz` with nulls, from microseconds since 1970-01-01 UTC.
    public static func optionalTimestamps(_ values: [Int64?]) -> PostgresArray {
        buildOptional(.timestamptz, values) { $0.append(timestamp: $1) }
    }

    private static func build<Value>(
        _ element: Element,
        _ values: [Value],
        append: (inout PostgresArray, Value) -> Void
    ) -> PostgresArray {
        var array = PostgresArray(element, capacity: values.count)
        for value in values { append(&array, value) }
        return array
    }

    private static func buildOptional<Value>(
        _ element: Element,
        _ values: [Value?],
        append: (inout PostgresArray, Value) -> Void
    ) -> PostgresArray {
        build(element, values) { array, value in
            if let value { append(&array, value) } else { array.appendNull() }
        }
    }
}
