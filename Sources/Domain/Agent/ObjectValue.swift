/// A value inside a Kubernetes object: JSON whose members keep their order.
public enum ObjectValue: Sendable, Hashable {
    /// JSON's null.
    case null
    /// A truth value.
    case bool(Bool)
    /// A whole number.
    case int(Int64)
    /// Any other number.
    case double(Double)
    /// A text.
    case string(String)
    /// A list.
    case array([ObjectValue])
    /// Named members, each name once.
    case object([Member])

    /// A member of an object.
    public struct Member: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The value.
        public var value: ObjectValue

        /// Makes a member.
        public init(_ name: String, _ value: ObjectValue) {
            self.name = name
            self.value = value
        }
    }

    /// An object without members.
    public static let empty = ObjectValue.object([])

    /// The member of that name; setting `nil` removes it, setting a member of something else makes it an object.
    public subscript(_ name: String) -> ObjectValue? {
        get { members.first { $0.name == name }?.value }
        set {
            var members = members
            let place = members.firstIndex { $0.name == name }
            switch (place, newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): members.remove(at: place)
            case (nil, let value?): members.append(Member(name, value))
            case (nil, nil): break
            }
            self = .object(members)
        }
    }

    /// The members; none where this is no object.
    public var members: [Member] {
        if case .object(let members) = self { members } else { [] }
    }

    /// The elements; none where this is no list.
    public var elements: [ObjectValue] {
        if case .array(let elements) = self { elements } else { [] }
    }

    /// The text, where this is one.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The whole number, where this is one.
    public var int: Int64? {
        if case .int(let number) = self { number } else { nil }
    }

    /// The number, where this is one that is not whole.
    public var double: Double? {
        if case .double(let number) = self { number } else { nil }
    }

    /// The value at the end of a path of names.
    public func path(_ names: String...) -> ObjectValue? {
        var value: ObjectValue? = self
        for name in names { value = value?[name] }
        return value
    }

    /// The members of this object with those of another over them, name by name.
    public func merging(_ other: ObjectValue) -> ObjectValue {
        var merged = self
        for member in other.members { merged[member.name] = member.value }
        return merged
    }
}

extension ObjectValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A list.
    public init(arrayLiteral elements: ObjectValue...) { self = .array(elements) }
    /// An object; its members keep the order they are written in.
    public init(dictionaryLiteral elements: (String, ObjectValue)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
}
