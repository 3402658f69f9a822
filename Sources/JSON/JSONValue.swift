internal import CSimdjson

/// A value of a parsed document: a view that costs nothing to copy.
///
/// Valid only inside the closure of ``JSONParser/withDocument(_:_:)-(UnsafeRawBufferPointer,_)``; do not keep it.
public struct JSONValue {
    let raw: sj_value

    /// The member of an object, or `nil` where this is no object or has no such member.
    public subscript(_ name: StaticString) -> JSONValue? {
        var found = sj_value()
        let isThere = name.withUTF8Buffer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { chars in
                chars.baseAddress.map { sj_get(raw, $0, chars.count, &found) } ?? false
            }
        }
        return isThere ? JSONValue(raw: found) : nil
    }

    /// The member of an object whose name is only known when the program runs.
    public subscript(named name: String) -> JSONValue? {
        var found = sj_value()
        let isThere = name.withCString { sj_get(raw, $0, name.utf8.count, &found) }
        return isThere ? JSONValue(raw: found) : nil
    }

    /// The element of an array.
    public subscript(index: Int) -> JSONValue? {
        var found = sj_value()
        return sj_at(raw, index, &found) ? JSONValue(raw: found) : nil
    }

    /// The member at the end of a path of names.
    public func path(_ names: StaticString...) -> JSONValue? {
        var value = self
        for name in names {
            guard let next = value[name] else { return nil }
            value = next
        }
        return value
    }

    /// The text of a string.
    public var string: String? {
        withUTF8 { String(decoding: $0, as: UTF8.self) }
    }

    /// A whole number that fits 64 bits.
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
        switch Int(sj_type(raw)) {
        case SJ_NULL: "null"
        case SJ_BOOL: "a truth value"
        case SJ_STRING: "a string"
        case SJ_ARRAY: "an array"
        case SJ_OBJECT: "an object"
        default: "a number"
        }
    }

    /// Lends the bytes of a string without making a `String`.
    public func withUTF8<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R? {
        var start: UnsafePointer<CChar>?
        var count = 0
        guard sj_string(raw, &start, &count) else { return nil }
        guard let start, count > 0 else { return body(UnsafeBufferPointer(start: nil, count: 0)) }
        return start.withMemoryRebound(to: UInt8.self, capacity: count) {
            body(UnsafeBufferPointer(start: $0, count: count))
        }
    }

    /// Whether this is a string of exactly this text.
    public func equals(_ text: StaticString) -> Bool {
        withUTF8 { bytes in
            text.withUTF8Buffer { $0.elementsEqual(bytes) }
        } ?? false
    }

    /// Calls with each element of an array, in order.
    public func forEachElement(_ body: (JSONValue) -> Void) {
        withoutActuallyEscaping(body) { body in
            var visitor: (JSONValue) -> Void = body
            withUnsafeMutablePointer(to: &visitor) { context in
                sj_each_element(
                    raw,
                    { context, value in
                        context?.assumingMemoryBound(to: ((JSONValue) -> Void).self).pointee(JSONValue(raw: value))
                        return true
                    },
                    context
                )
            }
        }
    }

    /// Calls with each member of an object, in order.
    public func forEachMember(_ body: (String, JSONValue) -> Void) {
        withoutActuallyEscaping(body) { body in
            var visitor: (String, JSONValue) -> Void = body
            withUnsafeMutablePointer(to: &visitor) { context in
                sj_each_member(
                    raw,
                    { context, key, count, value in
                        let name = key.withMemoryRebound(to: UInt8.self, capacity: count) {
                            String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self)
                        }
                        context?.assumingMemoryBound(to: ((String, JSONValue) -> Void).self)
                            .pointee(name, JSONValue(raw: value))
                        return true
                    },
                    context
                )
            }
        }
    }
}
