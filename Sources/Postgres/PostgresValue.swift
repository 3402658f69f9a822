#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A parameter of a query; its case decides the type the server sees.
///
/// A null has no type of its own: the server infers it, so `$1::bigint` helps where nothing else tells.
public enum PostgresValue: Sendable {
    /// SQL null.
    case null
    /// `boolean`
    case bool(Bool)
    /// `smallint`
    case int16(Int16)
    /// `integer`
    case int32(Int32)
    /// `bigint`
    case int64(Int64)
    /// `double precision`
    case double(Double)
    /// `text`; a zero byte (U+0000) is refused before anything is sent.
    case text(String)
    /// `bytea`
    case bytes([UInt8])
    /// `uuid`
    case uuid(UUID)
    /// `timestamptz`, in microseconds since 1970-01-01 UTC; `Int64.max` is `infinity`, `Int64.min` is `-infinity`.
    case timestamp(microsecondsSince1970: Int64)
    /// `json`, as UTF-8.
    case json([UInt8])
    /// `jsonb`, as UTF-8.
    case jsonb([UInt8])
    /// An array, in binary form.
    case array(PostgresArray)
}

extension PostgresValue {
    /// A `bigint`.
    public static func int(_ value: Int) -> PostgresValue { .int64(Int64(value)) }

    /// A `timestamptz`, in microseconds since 1970-01-01 UTC.
    public static func timestamp(_ microseconds: Int64) -> PostgresValue {
        .timestamp(microsecondsSince1970: microseconds)
    }

    /// A `bigint` or null.
    public static func optionalInt64(_ value: Int64?) -> PostgresValue { value.map(PostgresValue.int64) ?? .null }

    /// An `integer` or null.
    public static func optionalInt32(_ value: Int32?) -> PostgresValue { value.map(PostgresValue.int32) ?? .null }

    /// A `boolean` or null.
    public static func optionalBool(_ value: Bool?) -> PostgresValue { value.map(PostgresValue.bool) ?? .null }

    /// A `double precision` or null.
    public static func optionalDouble(_ value: Double?) -> PostgresValue { value.map(PostgresValue.double) ?? .null }

    /// A `text` or null.
    public static func optionalText(_ value: String?) -> PostgresValue { value.map(PostgresValue.text) ?? .null }

    /// A `bytea` or null.
    public static func optionalBytes(_ value: [UInt8]?) -> PostgresValue { value.map(PostgresValue.bytes) ?? .null }

    /// A `uuid` or null.
    public static func optionalUUID(_ value: UUID?) -> PostgresValue { value.map(PostgresValue.uuid) ?? .null }

    /// A `timestamptz` or null, in microseconds since 1970-01-01 UTC.
    public static func optionalTimestamp(_ microseconds: Int64?) -> PostgresValue {
        microseconds.map { .timestamp(microsecondsSince1970: $0) } ?? .null
    }

    /// A `jsonb` or null, as UTF-8.
    public static func optionalJSONB(_ value: [UInt8]?) -> PostgresValue { value.map(PostgresValue.jsonb) ?? .null }
}

extension PostgresValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    /// A `text`.
    public init(stringLiteral value: String) { self = .text(value) }

    /// A `bigint`.
    public init(integerLiteral value: Int64) { self = .int64(value) }

    /// A `double precision`.
    public init(floatLiteral value: Double) { self = .double(value) }

    /// A `boolean`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// A null.
    public init(nilLiteral: ()) { self = .null }
}

extension PostgresValue {
    /// The object identifier of the parameter's type; 0 lets the server infer it.
    var type: UInt32 {
        switch self {
        case .null: 0
        case .bool: PostgresType.bool
        case .int16: PostgresType.int2
        case .int32: PostgresType.int4
        case .int64: PostgresType.int8
        case .double: PostgresType.float8
        case .text: PostgresType.text
        case .bytes: PostgresType.bytea
        case .uuid: PostgresType.uuid
        case .timestamp: PostgresType.timestamptz
        case .json: PostgresType.json
        case .jsonb: PostgresType.jsonb
        case .array(let array): PostgresType.array(of: array.element.type)
        }
    }
}
