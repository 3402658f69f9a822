#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A one-dimensional array parameter in the server's binary form, built value by value into one buffer.
///
/// Made for `unnest($1::bigint[], $2::text[], …)`. Appending a value of another type than the element's, an integer out
/// of its range or a text with a zero byte marks the array as faulty: the query that gets it throws before anything is sent.
public struct PostgresArray: Sendable {
    /// The type of the elements.
    public enum Element: Sendable {
        /// `boolean[]`
        case bool
        /// `smallint[]`
        case int16
        /// `integer[]`
        case int32
        /// `bigint[]`
        case int64
        /// `double precision[]`
        case double
        /// `text[]`
        case text
        /// `bytea[]`
        case bytea
        /// `uuid[]`
        case uuid
        /// `timestamptz[]`
        case timestamptz
        /// `json[]`
        case json
        /// `jsonb[]`
        case jsonb
    }

    /// Why the array cannot be sent.
    enum Fault: String, Sendable {
        case zeroByte = "an array of texts holds a zero byte (U+0000), which PostgreSQL cannot store"
        case elementType = "a value appended to an array is not of the array's element type"
        case outOfRange = "an integer appended to an array is outside the range of the element type"
    }

    /// The type of the elements.
    public let element: Element
    /// The number of elements, nulls included.
    public private(set) var count = 0
    private var nulls = 0
    private(set) var fault: Fault?
    private var buffer: [UInt8]

    private static let headerSize = 20
    private static let emptySize = 12

    /// Makes an empty array.
    ///
    /// - Parameters:
    ///   - element: The type of the elements.
    ///   - capacity: The number of elements to reserve room for.
    public init(_ element: Element, capacity: Int = 0) {
        self.element = element
        buffer = []
        buffer.reserveCapacity(Self.headerSize + capacity * element.expectedSize)
        buffer.append(bigEndian: Int32(0))
        buffer.append(bigEndian: Int32(0))
        buffer.append(bigEndian: element.type)
        buffer.append(bigEndian: Int32(0))
        buffer.append(bigEndian: Int32(1))
    }

    /// Whether the array has no elements.
    public var isEmpty: Bool { count == 0 }

    /// The array, or an empty one in place of nothing but nulls.
    ///
    /// For columns that are taken apart in step with longer ones: `unnest` fills a shorter one up with nulls.
    public var unlessOnlyNulls: PostgresArray { nulls == count && fault == nil ? PostgresArray(element) : self }

    /// The size of the parameter in bytes.
    public var byteCount: Int { isEmpty ? Self.emptySize : buffer.count }

    /// Empties the array and keeps its buffer for the next batch.
    public mutating func removeAll() {
        buffer.removeLast(buffer.count - Self.headerSize)
        buffer.overwrite(bigEndian: 0, at: 4)
        (count, nulls) = (0, 0)
        fault = nil
    }

    /// Appends the array's binary form to a parameter buffer.
    func write(to target: inout [UInt8]) {
        let start = target.count
        target.append(contentsOf: buffer.prefix(byteCount))
        target.overwrite(bigEndian: isEmpty ? 0 : 1, at: start)
        if !isEmpty { target.overwrite(bigEndian: Int32(count), at: start + 12) }
    }
}

// MARK: Appending

extension PostgresArray {
    /// Appends a null.
    public mutating func appendNull() {
        buffer.append(bigEndian: Int32(-1))
        buffer.overwrite(bigEndian: 1, at: 4)
        count += 1
        nulls += 1
    }

    /// Appends an integer to an array of any integer type.
    public mutating func append(_ value: Int64) {
        switch element {
        case .int64: appendFixed(value)
        case .int32: appendFixed(Int32(exactly: value))
        case .int16: appendFixed(Int16(exactly: value))
        default: fail(.elementType)
        }
    }

    /// Appends an integer to an array of any integer type.
    public mutating func append(_ value: Int) {
        append(Int64(value))
    }

    /// Appends an integer to an array of any integer type.
    public mutating func append(_ value: Int32) {
        append(Int64(value))
    }

    /// Appends a number to an array of `double precision`.
    public mutating func append(_ value: Double) {
        guard element == .double else { return fail(.elementType) }
        appendFixed(value.bitPattern)
    }

    /// Appends a truth value to an array of `boolean`.
    public mutating func append(_ value: Bool) {
        guard element == .bool else { return fail(.elementType) }
        appendFixed(UInt8(value ? 1 : 0))
    }

    /// Appends a UUID to an array of `uuid`.
    public mutating func append(_ value: UUID) {
        guard element == .uuid else { return fail(.elementType) }
        buffer.append(bigEndian: Int32(16))
        buffer.append(uuid: value)
        count += 1
    }

    /// Appends a time to an array of `timestamptz`.
    ///
    /// - Parameter timestamp: Microseconds since 1970-01-01 UTC.
    public mutating func append(timestamp: Int64) {
        guard element == .timestamptz else { return fail(.elementType) }
        appendFixed(PostgresEpoch.toServer(timestamp))
    }

    /// Appends a text to an array of `text`, `json` or `jsonb`.
    public mutating func append(_ value: String) {
        var value = value
        value.withUTF8 { append(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Appends bytes to an array of `bytea`, `json`, `jsonb` or (as UTF-8) `text`.
    public mutating func append(_ value: [UInt8]) {
        value.withUnsafeBytes { append(bytes: $0) }
    }

    /// Appends bytes to an array of `bytea`, `json`, `jsonb` or (as UTF-8) `text`.
    ///
    /// - Parameter bytes: Copied before the call returns.
    public mutating func append(bytes: UnsafeRawBufferPointer) {
        switch element {
        case .text, .json:
            guard bytes.isFreeOfZeroBytes else { return fail(.zeroByte) }
            buffer.append(bigEndian: Int32(bytes.count))
        case .bytea:
            buffer.append(bigEndian: Int32(bytes.count))
        case .jsonb:
            guard bytes.isFreeOfZeroBytes else { return fail(.zeroByte) }
            buffer.append(bigEndian: Int32(bytes.count + 1))
            buffer.append(1)
        default:
            return fail(.elementType)
        }
        buffer.append(contentsOf: bytes)
        count += 1
    }

    private mutating func appendFixed<Integer: FixedWidthInteger>(_ value: Integer?) {
        guard let value else { return fail(.outOfRange) }
        buffer.append(bigEndian: Int32(MemoryLayout<Integer>.size))
        buffer.append(bigEndian: value)
        count += 1
    }

    private mutating func fail(_ fault: Fault) {
        self.fault = self.fault ?? fault
        appendNull()
    }
}

extension PostgresArray.Element {
    /// The object identifier of the element type.
    var type: UInt32 {
        switch self {
        case .bool: PostgresType.bool
        case .int16: PostgresType.int2
        case .int32: PostgresType.int4
        case .int64: PostgresType.int8
        case .double: PostgresType.float8
        case .text: PostgresType.text
        case .bytea: PostgresType.bytea
        case .uuid: PostgresType.uuid
        case .timestamptz: PostgresType.timestamptz
        case .json: PostgresType.json
        case .jsonb: PostgresType.jsonb
        }
    }

    /// A guess at the bytes an element takes, for reserving room.
    fileprivate var expectedSize: Int {
        switch self {
        case .bool: 5
        case .int16: 6
        case .int32: 8
        case .int64, .double, .timestamptz: 12
        case .uuid: 20
        case .text: 40
        case .bytea, .json, .jsonb: 320
        }
    }
}
