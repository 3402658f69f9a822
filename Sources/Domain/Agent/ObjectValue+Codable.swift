extension ObjectValue: Codable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads any JSON; the members of objects come sorted by name, because decoders keep no order.
    public init(from decoder: any Decoder) throws {
        if let members = try? decoder.container(keyedBy: Name.self) {
            let names = members.allKeys.map(\.stringValue).sorted()
            self = .object(
                try names.map { Member($0, try members.decode(ObjectValue.self, forKey: Name(stringValue: $0))) }
            )
        } else if var elements = try? decoder.unkeyedContainer() {
            var values: [ObjectValue] = []
            while !elements.isAtEnd { values.append(try elements.decode(ObjectValue.self)) }
            self = .array(values)
        } else {
            self = try Self.single(decoder.singleValueContainer())
        }
    }

    private static func single(_ container: any SingleValueDecodingContainer) throws -> ObjectValue {
        if container.decodeNil() { return .null }
        if let truth = try? container.decode(Bool.self) { return .bool(truth) }
        if let number = try? container.decode(Int64.self) { return .int(number) }
        if let number = try? container.decode(Double.self) { return .double(number) }
        return .string(try container.decode(String.self))
    }

    /// Writes the value as JSON.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: Name.self)
            for member in members { try container.encode(member.value, forKey: Name(stringValue: member.name)) }
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let truth): try Self.write(truth, encoder)
        case .int(let number): try Self.write(number, encoder)
        case .double(let number): try Self.write(number, encoder)
        case .string(let text): try Self.write(text, encoder)
        }
    }

    private static func write(_ value: some Encodable, _ encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}
