internal import CSimdjson

extension JSONValue {
    /// The member of an object; `nil` where this is no object or has no such member.
    public subscript(_ name: StaticString) -> JSONValue? {
        name.withUTF8Buffer { member($0) }
    }

    /// The member of an object whose name is only known when the program runs.
    ///
    /// Has a label, so that a literal takes the faster way.
    public subscript(named name: String) -> JSONValue? {
        var name = name
        return name.withUTF8 { member($0) }
    }

    /// The element of an array; `nil` where this is no array or is shorter.
    ///
    /// Takes longer the further back it stands.
    public subscript(index: Int) -> JSONValue? {
        var found = sj_value()
        return index >= 0 && sj_at(raw, index, &found) ? JSONValue(raw: found) : nil
    }

    /// The member at the end of a path of names; `nil` where the path breaks off.
    public func path(_ names: StaticString...) -> JSONValue? {
        var value = self
        for name in names {
            guard let next = value[name] else { return nil }
            value = next
        }
        return value
    }

    /// Calls with each element of an array, in order; not at all for other values.
    public func forEachElement<Failure: Error>(_ body: (JSONValue) throws(Failure) -> Void) throws(Failure) {
        var cursor = sj_elements(raw)
        var element = sj_value()
        while sj_next_element(&cursor, &element) {
            try body(JSONValue(raw: element))
        }
    }

    /// Calls with each member of an object, in order; not at all for other values.
    public func forEachMember<Failure: Error>(_ body: (String, JSONValue) throws(Failure) -> Void) throws(Failure) {
        var cursor = sj_members(raw)
        var name = sj_text()
        var value = sj_value()
        while sj_next_member(&cursor, &name, &value) {
            let bytes = UnsafeBufferPointer(start: name.start, count: name.count)
            try body(String(decoding: bytes, as: UTF8.self), JSONValue(raw: value))
        }
    }

    private func member(_ name: UnsafeBufferPointer<UInt8>) -> JSONValue? {
        guard let start = name.baseAddress else { return nil }
        var found = sj_value()
        return sj_get(raw, start, name.count, &found) ? JSONValue(raw: found) : nil
    }
}
