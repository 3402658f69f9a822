/// What Kubernetes takes as the value of a label: nothing, or at most 63 letters, digits, `-`, `_` and `.`, with a letter
/// or digit at both ends.
enum LabelValue {
    private static let longest = 63

    static func isValid(_ text: String) -> Bool { text.isEmpty || nearest(to: text) == text }

    /// The nearest value: `+` becomes `_`, as charts do it, and what else is not taken becomes `-`.
    ///
    /// - Returns: `nil` where nothing is left.
    static func nearest(to text: String) -> String? {
        let fitting = text.unicodeScalars.map { scalar -> Character in
            if scalar == "+" { return "_" }
            return isAlphanumeric(Character(scalar)) || "-_.".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
        }
        let begun = fitting.drop { !isAlphanumeric($0) }.prefix(longest)
        guard let last = begun.lastIndex(where: isAlphanumeric) else { return nil }
        return String(begun[...last])
    }

    private static func isAlphanumeric(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber)
    }
}
