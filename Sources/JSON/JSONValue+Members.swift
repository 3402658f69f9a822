public import CSimdjson

extension JSONValue {
    /// The member of an object; `nil` where this is no object or has no such member.
    @inlinable
    public subscript(_ name: StaticString) -> JSONValue? {
        sj_get(node, sj_named(name.utf8Start, name.utf8CodeUnitCount)).map { JSONValue(node: $0) }
    }

    /// The member of an object whose name is only known when the program runs.
    ///
    /// Has a label, so that a literal takes the faster way.
    public subscript(named name: String) -> JSONValue? {
        var name = name
        return name.withUTF8 { bytes in
            guard let start = bytes.baseAddress else { return self[""] }
            return sj_get(node, sj_named(start, bytes.count)).map { JSONValue(node: $0) }
        }
    }

    /// The element of an array; `nil` where this is no array or is shorter.
    ///
    /// Takes longer the further back it stands.
    public subscript(index: Int) -> JSONValue? {
        guard isArray, index >= 0 else { return nil }
        var element = node + 1
        var place = 0
        while element < end, place < index { (element, place) = (element + Int(element.pointee.next), place + 1) }
        return element < end ? JSONValue(node: element) : nil
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

    /// The number of members or elements, which are counted; 0 for other values.
    public var count: Int {
        var count = 0
        var child = node + 1
        switch nativeKind {
        case SJ_ARRAY:
            while child < end { (child, count) = (child + Int(child.pointee.next), count + 1) }
        case SJ_OBJECT:
            while child < end { (child, count) = (child + 1 + Int(child[1].next), count + 1) }
        default: break
        }
        return count
    }

    /// Calls with each element of an array, in order; not at all for other values.
    @inlinable
    public func forEachElement<Failure: Error>(_ body: (JSONValue) throws(Failure) -> Void) throws(Failure) {
        guard isArray else { return }
        var element = node + 1
        while element < end {
            try body(JSONValue(node: element))
            element += Int(element.pointee.next)
        }
    }

    /// Calls with each member of an object, in order; not at all for other values.
    public func forEachMember<Failure: Error>(_ body: (String, JSONValue) throws(Failure) -> Void) throws(Failure) {
        guard isObject else { return }
        var key = node + 1
        while key < end {
            let value = JSONValue(node: key + 1)
            try body(String(decoding: JSONValue(node: key).unsafeUTF8, as: UTF8.self), value)
            key += 1 + Int(value.node.pointee.next)
        }
    }

    /// Behind the last node of this value.
    @inlinable var end: UnsafePointer<sj_node> { node + Int(node.pointee.next) }
}
