import WorkerRuntime

/// Rules of fields that people manage: lists of users, and texts that may be taken away.
extension FieldRules {
    /// Several persons or services.
    static func users(_ texts: [String], _ field: String) throws(Reason) {
        guard texts.count <= 1000 else {
            throw Reason(
                code: "invalid_field",
                sentence: "'\(field)' names \(texts.count) users; it should name at most 1000.",
                field: field
            )
        }
        for text in texts { try user(text, field) }
    }

    /// A text for people; an empty one takes it away.
    static func erasable(_ text: String?, _ field: String, limit: Int = 200) throws(Reason) {
        guard let text, !text.isEmpty else { return }
        try self.text(text, field, limit: limit)
    }

    /// Refuses a change that changes nothing.
    static func something(_ isNamed: [Bool], of fields: String) throws(Reason) {
        guard isNamed.contains(true) else {
            throw Reason(
                code: "nothing_to_change",
                sentence: "The request names nothing to change; it should name \(fields)."
            )
        }
    }
}
