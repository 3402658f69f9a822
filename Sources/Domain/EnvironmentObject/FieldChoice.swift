/// A field that takes one of a few words; another word is answered with the list of them.
protocol FieldChoice: RawRepresentable, CaseIterable, Codable, Sendable, Hashable where RawValue == String {}

extension FieldChoice {
    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let choice = Self(rawValue: text) else {
            let words = Self.allCases.map(\.rawValue)
            let list = words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "It is \(FieldPath.quoted(text)); it should be \(list)."
                )
            )
        }
        self = choice
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
