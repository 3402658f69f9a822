internal import CSimdjson
import Glibc

/// A value of a parsed document: a view that costs nothing to copy.
///
/// Valid only inside the closure of ``JSONParser/withDocument(_:_:)-(UnsafeRawBufferPointer,_)``; do not keep it. A
/// property of the wrong type is `nil`, never an error: the reader says what it wanted. Where a key stands twice the
/// first counts; ``JSONParser/validate(_:)-(UnsafeRawBufferPointer)`` refuses such documents.
public struct JSONValue {
    /// The types of values.
    public enum Kind: Sendable, Hashable {
        /// `null`.
        case null
        /// `true` or `false`.
        case bool
        /// A number, whole or not.
        case number
        /// A text.
        case string
        /// A list of values.
        case array
        /// Names with values.
        case object
    }

    let raw: sj_value

    /// The text of a string.
    public var string: String? {
        withUTF8 { String(decoding: $0, as: UTF8.self) }
    }

    /// A whole number that fits 64 bits; `nil` for `1.0` and `1e3`, which are written as fractions.
    public var int: Int64? {
        var number: Int64 = 0
        return sj_int64(raw, &number) ? number : nil
    }

    /// A number.
    public var double: Double? {
        var number = 0.0
        return sj_double(raw, &number) ? number : nil
    }

    /// A truth value.
    public var bool: Bool? {
        var truth = false
        return sj_bool(raw, &truth) ? truth : nil
    }

    /// What this is.
    public var kind: Kind {
        switch Int(sj_type(raw)) {
        case SJ_NULL: .null
        case SJ_BOOL: .bool
        case SJ_STRING: .string
        case SJ_ARRAY: .array
        case SJ_OBJECT: .object
        default: .number
        }
    }

    /// Whether this is `null`.
    public var isNull: Bool { sj_type(raw) == SJ_NULL }
    /// Whether this is an object.
    public var isObject: Bool { sj_type(raw) == SJ_OBJECT }
    /// Whether this is an array.
    public var isArray: Bool { sj_type(raw) == SJ_ARRAY }
    /// Whether this is a string.
    public var isString: Bool { sj_type(raw) == SJ_STRING }
    /// The number of members or elements; 0 for other values.
    public var count: Int { sj_count(raw) }

    /// What this is, in words for an error: `a string`.
    public var kindInWords: String {
        switch kind {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// Lends the bytes of a string without making a `String`; `nil` for other values.
    public func withUTF8<R, Failure: Error>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> R
    ) throws(Failure) -> R? {
        var text = sj_text()
        guard sj_string(raw, &text) else { return nil }
        return try body(UnsafeBufferPointer(start: text.start, count: text.count))
    }

    /// Whether this is a string of exactly this text.
    public func equals(_ text: StaticString) -> Bool {
        sj_equals(raw, text.utf8Start, text.utf8CodeUnitCount)
    }

    /// Whether this is a string of exactly this text, which is only known when the program runs.
    ///
    /// Has a label, so that a literal takes the faster way.
    public func equals(text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            guard let start = bytes.baseAddress else { return withUTF8 { $0.isEmpty } ?? false }
            return sj_equals(raw, start, bytes.count)
        }
    }

    /// Whether this is a string that holds this byte.
    public func contains(byte: UInt8) -> Bool {
        var text = sj_text()
        guard sj_string(raw, &text), let start = text.start else { return false }
        return memchr(start, Int32(byte), text.count) != nil
    }
}
