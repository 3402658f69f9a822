/// The object identifiers of built-in types, from the server's `pg_type.dat`.
enum PostgresType {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let char: UInt32 = 18
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let unknown: UInt32 = 705
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802

    /// Types made by users (enumerations first of all) start here; the binary form of an enumeration is its label.
    static let firstUserType: UInt32 = 16384

    /// The array type of an element type that ``PostgresArray`` can build.
    static func array(of element: UInt32) -> UInt32 {
        switch element {
        case bool: 1000
        case bytea: 1001
        case int2: 1005
        case int4: 1007
        case text: 1009
        case int8: 1016
        case float8: 1022
        case timestamptz: 1185
        case json: 199
        case uuid: 2951
        default: 3807
        }
    }

    /// Whether the binary form of the type is its text in UTF-8.
    static func isText(_ type: UInt32) -> Bool {
        switch type {
        case text, varchar, bpchar, name, char, unknown, json: true
        default: type >= firstUserType
        }
    }
}

/// The server counts time from 2000-01-01, in microseconds.
enum PostgresEpoch {
    /// Microseconds from 1970-01-01 to 2000-01-01.
    static let offset: Int64 = 946_684_800_000_000

    /// Turns microseconds since 1970 into the server's; the extremes stand for `infinity` and `-infinity`.
    static func toServer(_ microseconds: Int64) -> Int64 {
        if microseconds == .max || microseconds == .min { return microseconds }
        let (value, overflow) = microseconds.subtractingReportingOverflow(offset)
        return overflow ? .min : value
    }

    /// Turns the server's microseconds into those since 1970; the extremes stand for `infinity` and `-infinity`.
    static func fromServer(_ microseconds: Int64) -> Int64 {
        if microseconds == .max || microseconds == .min { return microseconds }
        let (value, overflow) = microseconds.addingReportingOverflow(offset)
        return overflow ? .max : value
    }
}
