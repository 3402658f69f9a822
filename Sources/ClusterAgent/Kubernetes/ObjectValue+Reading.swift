import Domain
import JSON

extension ObjectValue {
    /// A copy of a parsed document.
    init(_ value: JSONValue) {
        switch value.kind {
        case .null: self = .null
        case .bool: self = .bool(value.bool ?? false)
        case .string: self = .string(value.string ?? "")
        case .number: self = value.int.map { .int($0) } ?? .double(value.double ?? 0)
        case .array:
            var elements: [ObjectValue] = []
            elements.reserveCapacity(value.count)
            value.forEachElement { elements.append(ObjectValue($0)) }
            self = .array(elements)
        case .object:
            var members: [Member] = []
            members.reserveCapacity(value.count)
            value.forEachMember { members.append(Member($0, ObjectValue($1))) }
            self = .object(members)
        }
    }

    /// Reads an answer of the Kubernetes API.
    init(answer bytes: [UInt8]) throws(ManifestError) {
        do {
            self = try JSONParser(maximumDepth: 128, maximumBytes: 256 << 20).withDocument(bytes) { ObjectValue($0) }
        } catch {
            throw ManifestError(sentence: "The Kubernetes API gave an answer that is no JSON.")
        }
    }
}
