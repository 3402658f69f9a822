import Foundation
import WorkerRuntime

/// Rules of fields that many requests have: names, texts, values, time limits.
enum FieldRules {
    /// A DNS-1123 label, as Kubernetes asks of names; a helm release has at most 53 characters.
    static func name(_ text: String, _ field: String, limit: Int = 63) throws(Reason) {
        let bytes = Array(text.utf8)
        let isLabel = bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        guard isLabel, !bytes.isEmpty, bytes.count <= limit, bytes.first != 45, bytes.last != 45 else {
            throw Reason(
                code: "invalid_name",
                sentence:
                    "'\(field)' is '\(text.prefix(80))'; it should be 1 to \(limit) lower-case letters, digits and "
                    + "hyphens, and begin and end with a letter or digit.",
                field: field
            )
        }
    }

    /// The names of a project and an environment.
    static func environment(_ project: String, _ environment: String) throws(Reason) {
        try name(project, "project")
        try name(environment, "environment")
    }

    /// A command's id.
    static func command(_ text: String) throws(Reason) {
        guard UUID(uuidString: text) == nil else { return }
        throw Reason(
            code: "invalid_field",
            sentence: "'command' is '\(text.prefix(80))'; it should be a command's id, as its results tell it.",
            field: "command"
        )
    }

    /// A number within bounds, where there is one.
    static func number(_ value: Int?, _ field: String, _ range: ClosedRange<Int>) throws(Reason) {
        guard let value, !range.contains(value) else { return }
        throw Reason(
            code: "invalid_field",
            sentence: "'\(field)' is \(value); it should be from \(range.lowerBound) to \(range.upperBound).",
            field: field
        )
    }

    /// An instance's name, which is also its helm release's.
    static func instance(_ text: String) throws(Reason) { try name(text, "instance", limit: 53) }

    /// Whether a text has 1 to so many characters, counted as JSON Schema counts them: in code points.
    ///
    /// None takes more than 4 bytes, so that what goes into an index of the database has a bound in bytes too.
    static func hasLength(_ text: String, upTo limit: Int) -> Bool {
        (1...limit).contains(text.unicodeScalars.count)
    }

    /// A text for people.
    static func text(_ text: String?, _ field: String, limit: Int = 200) throws(Reason) {
        guard let text else { return }
        guard hasLength(text, upTo: limit) else {
            throw Reason(
                code: "invalid_field",
                sentence: "'\(field)' should have 1 to \(limit) characters.",
                field: field
            )
        }
    }

    /// A person or service, as tokens call them.
    static func user(_ text: String, _ field: String) throws(Reason) {
        let isPlain = !text.unicodeScalars.contains { $0.value < 33 }
        guard isPlain, hasLength(text, upTo: 200) else {
            throw Reason(
                code: "invalid_field",
                sentence: "'\(field)' should hold subjects of tokens: 1 to 200 characters without spaces.",
                field: field
            )
        }
    }

    /// A version's name.
    static func version(_ text: String) throws(Reason) {
        guard hasLength(text, upTo: 128) else {
            throw Reason(
                code: "invalid_field",
                sentence: "'version' should have 1 to 128 characters.",
                field: "version"
            )
        }
    }

    /// How long a command may take in all.
    static func timeout(_ seconds: Int?) throws(Reason) {
        guard let seconds else { return }
        guard (10...86_400).contains(seconds) else {
            throw Reason(
                code: "invalid_field",
                sentence: "'timeoutSeconds' is \(seconds); it should be from 10 to 86400.",
                field: "timeoutSeconds"
            )
        }
    }
}
