public import CSimdjson

/// Names of members that are read together, made once and kept for the life of the process.
///
/// `static let names = JSONMemberNames("kind", "metadata")`
public struct JSONMemberNames: @unchecked Sendable {
    // Never written after the initializer and never freed: names are literals of the program, made once each.
    @usableFromInline let names: UnsafeBufferPointer<sj_name>

    /// Takes from one to ten literals; their order is that of ``JSONMembers/subscript(_:)``.
    public init(_ names: StaticString...) {
        precondition((1...Int(SJ_MOST_PICKED)).contains(names.count), "from one to ten members are read together")
        let start = UnsafeMutableBufferPointer<sj_name>.allocate(capacity: names.count)
        _ = start.initialize(from: names.map { sj_named($0.utf8Start, $0.utf8CodeUnitCount) })
        self.names = UnsafeBufferPointer(start)
    }
}

/// The name of a member that is often asked for, made once and kept for the life of the process.
///
/// `static let type = JSONMemberName("type")`
public struct JSONMemberName: @unchecked Sendable {
    // Points to a literal of the program.
    @usableFromInline let name: sj_name

    /// Takes a literal.
    public init(_ name: StaticString) {
        self.name = sj_named(name.utf8Start, name.utf8CodeUnitCount)
    }
}

/// Members of one object that were found in one pass; valid as long as the document.
public struct JSONMembers {
    @usableFromInline let found: sj_picked

    @inlinable
    init(_ object: UnsafePointer<sj_node>, _ names: JSONMemberNames) {
        found = names.names.baseAddress.map { sj_pick(object, $0, names.names.count) } ?? sj_picked()
    }

    /// The member with the name at this place of the list; `nil` where the object has none.
    @inlinable
    public subscript(_ place: Int) -> JSONValue? {
        precondition((0..<Int(SJ_MOST_PICKED)).contains(place), "a place in the list of names")
        typealias Node = UnsafePointer<sj_node>?
        let node = withUnsafeBytes(of: found) {
            $0.load(fromByteOffset: place * MemoryLayout<Node>.stride, as: Node.self)
        }
        return node.map { JSONValue(node: $0) }
    }
}

extension JSONValue {
    /// The member of an object; `nil` where this is no object or has no such member.
    @inlinable
    public subscript(_ name: JSONMemberName) -> JSONValue? {
        sj_get(node, name.name).map { JSONValue(node: $0) }
    }

    /// Finds members in one pass over the object, which costs less than asking for each.
    ///
    /// Where a name stands twice the first counts; other values than objects have no members.
    @inlinable
    public func members(_ names: JSONMemberNames) -> JSONMembers {
        JSONMembers(node, names)
    }
}
