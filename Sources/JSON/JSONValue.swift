public import CSimdjson
public import Glibc

/// A value of a parsed document: a view that costs nothing to copy.
///
/// Valid only inside the closure of ``JSONParser/withDocument(_:_:)-(UnsafeRawBufferPointer,_)``; do not keep it. A
/// property of the wrong type is `nil`, never an error: the reader says what it wanted. Where a key stands twice the
/// first counts; ``JSONParser/validate(_:)-(UnsafeRawBufferPointer)`` refuses such documents.
@frozen
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

    @usableFromInline let node: UnsafePointer<sj_node>

    @inlinable
    init(node: UnsafePointer<sj_node>) {
        self.node = node
    }

    /// One of the kinds of the C interface, which tells whole numbers from others.
    @inlinable var nativeKind: Int { Int(node.pointee.shape & 15) }

    /// The bytes of a value that is known to be a string.
    @inlinable var unsafeUTF8: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: node.pointee.text, count: Int(node.pointee.shape >> 4))
    }

    /// The text of a string.
    @inlinable
    public var string: String? {
        guard isString else { return nil }
        let bytes = unsafeUTF8
        return String(unsafeUninitializedCapacity: bytes.count) { text in
            _ = text.initialize(from: bytes)
            return bytes.count
        }
    }

    /// A whole number that fits 64 bits; `nil` for `1.0` and `1e3`, which are written as fractions.
    @inlinable
    public var int: Int64? {
        nativeKind == SJ_INT ? node.pointee.integer : nil
    }

    /// A number.
    public var double: Double? {
        switch nativeKind {
        case SJ_INT: Double(node.pointee.integer)
        case SJ_UINT: Double(node.pointee.natural)
        case SJ_DOUBLE: node.pointee.real
        default: nil
        }
    }

    /// A truth value.
    @inlinable
    public var bool: Bool? {
        nativeKind == SJ_BOOL ? node.pointee.truth == 1 : nil
    }

    /// What this is.
    public var kind: Kind {
        switch nativeKind {
        case SJ_NULL: .null
        case SJ_BOOL: .bool
        case SJ_STRING: .string
        case SJ_ARRAY: .array
        case SJ_OBJECT: .object
        default: .number
        }
    }

    /// Whether this is `null`.
    @inlinable public var isNull: Bool { nativeKind == SJ_NULL }
    /// Whether this is an object.
    @inlinable public var isObject: Bool { nativeKind == SJ_OBJECT }
    /// Whether this is an array.
    @inlinable public var isArray: Bool { nativeKind == SJ_ARRAY }
    /// Whether this is a string.
    @inlinable public var isString: Bool { nativeKind == SJ_STRING }

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
    @inlinable
    public func withUTF8<R, Failure: Error>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> R
    ) throws(Failure) -> R? {
        guard isString else { return nil }
        return try body(unsafeUTF8)
    }

    /// Whether this is a string of exactly this text.
    @inlinable
    public func equals(_ text: StaticString) -> Bool {
        sj_equals(node, text.utf8Start, text.utf8CodeUnitCount)
    }

    /// Whether this is a string of exactly this text, which is only known when the program runs.
    ///
    /// Has a label, so that a literal takes the faster way.
    public func equals(text: String) -> Bool {
        // Lends the bytes that are there; only a text that is not stored as UTF-8 is copied.
        let isSame = text.utf8.withContiguousStorageIfAvailable { bytes in
            guard let start = bytes.baseAddress else { return withUTF8 { $0.isEmpty } ?? false }
            return sj_equals(node, start, bytes.count)
        }
        return isSame ?? (string?.utf8.elementsEqual(text.utf8) ?? false)
    }

    /// Whether this is a string that holds this byte.
    @inlinable
    public func contains(byte: UInt8) -> Bool {
        guard isString else { return false }
        return memchr(node.pointee.text, Int32(byte), unsafeUTF8.count) != nil
    }
}
