internal import CSimdjson

/// Names of members that are read together, made once and kept for the life of the process.
///
/// `static let names = JSONMemberNames("kind", "metadata")`
public struct JSONMemberNames: @unchecked Sendable {
    // Never written after the initializer and never freed: names are literals of the program, made once each.
    let texts: UnsafeBufferPointer<sj_text>
    let start: UnsafePointer<sj_text>

    /// Takes from one to ten literals; their order is that of ``JSONMembers/subscript(_:)``.
    public init(_ names: StaticString...) {
        precondition((1...Int(SJ_MOST_PICKED)).contains(names.count), "from one to ten members are read together")
        let start = UnsafeMutablePointer<sj_text>.allocate(capacity: names.count)
        for (place, name) in names.enumerated() {
            (start + place).initialize(to: sj_text(start: name.utf8Start, count: name.utf8CodeUnitCount))
        }
        self.start = UnsafePointer(start)
        texts = UnsafeBufferPointer(start: start, count: names.count)
    }
}

/// Members of one object that were found in one pass; valid as long as the document.
public struct JSONMembers {
    private let found: sj_picked

    init(_ object: sj_value, _ names: JSONMemberNames) {
        found = sj_pick(object, names.start, names.texts.count)
    }

    /// The member with the name at this place of the list; `nil` where the object has none.
    public subscript(_ place: Int) -> JSONValue? {
        precondition((0..<Int(SJ_MOST_PICKED)).contains(place), "a place in the list of names")
        let value = withUnsafeBytes(of: found) {
            $0.load(fromByteOffset: place * MemoryLayout<sj_value>.stride, as: sj_value.self)
        }
        return value.document == 0 ? nil : JSONValue(raw: value)
    }
}

extension JSONValue {
    /// Finds members in one pass over the object, which costs less than asking for each.
    ///
    /// Where a name stands twice the first counts; other values than objects have no members.
    public func members(_ names: JSONMemberNames) -> JSONMembers {
        JSONMembers(raw, names)
    }
}
