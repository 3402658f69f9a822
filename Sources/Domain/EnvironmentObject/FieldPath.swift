import WorkerRuntime

/// Where in a request a field stands, such as `ports[1].name`; makes the reasons that name it.
struct FieldPath: Sendable, Hashable {
    let text: String

    /// The path of the whole; what stands in it has its bare name.
    init(_ text: String = "") {
        self.text = text
    }

    /// The path of a member.
    subscript(name: String) -> FieldPath {
        FieldPath(text.isEmpty ? name : "\(text).\(name)")
    }

    /// The path of an element.
    subscript(index: Int) -> FieldPath {
        FieldPath("\(text)[\(index)]")
    }

    /// Says what was found and what would be right.
    func wrong(_ found: String, should wanted: String, code: String = "invalid_field") -> Reason {
        Reason(code: code, sentence: "'\(text)' is \(found); it should be \(wanted).", field: text)
    }

    /// Says that a text is wrong; long ones are cut.
    func wrong(text found: String, should wanted: String, code: String = "invalid_field") -> Reason {
        wrong(Self.quoted(found), should: wanted, code: code)
    }

    /// A text from outside as part of a sentence: cut, and without line breaks and the like.
    static func quoted(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(80).map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "\\u{\(String(scalar.value, radix: 16))}"
            default: String(scalar)
            }
        }
        return "'\(shown.joined())'"
    }

    /// Says what is wrong in a sentence of its own, whose subject is the field.
    func reason(_ code: String, _ predicate: String) -> Reason {
        Reason(code: code, sentence: "'\(text)' \(predicate).", field: text)
    }
}
