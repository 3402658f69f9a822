import WorkerRuntime

/// A mistake in values.
struct ValuesProblem: Sendable, Hashable {
    /// Where, counted from 1; `nil` where it is about the whole.
    let line: Int?
    /// What is wrong; names keys and never quotes values.
    let sentence: String
}

/// All mistakes in values, not only the first.
///
/// A YAML parser ends at the first mistake of form. What stands at the left margin up to the next such line is then taken
/// out and the rest read again, so that each section tells its own. What is wrong twice in one section is told once.
enum ValuesProblems {
    private static let limit = 20

    /// Finds the mistakes, by line.
    static func find(in text: String) -> [ValuesProblem] {
        do throws(Reason) {
            try ValuesYAML.check(text, field: "values")
            return []
        } catch {
            guard error.code == "invalid_yaml" else { return [ValuesProblem(line: nil, sentence: error.sentence)] }
            let found = inText(text)
            return found.isEmpty ? [ValuesProblem(line: nil, sentence: error.sentence)] : found
        }
    }

    /// Refuses values with all that is wrong in them in one sentence.
    static func check(_ text: String, field: String) throws(Reason) {
        let problems = find(in: text)
        guard !problems.isEmpty else { return }
        // The whole has its sentence already, which names the field that is asked for.
        try ValuesYAML.checkForm(text, field: field, problems)
    }

    private static func inText(_ text: String) -> [ValuesProblem] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var problems: [ValuesProblem] = []
        var walk = YAMLWalk(lines.joined(separator: "\n"))
        while let fault = walk.fault, problems.count < limit {
            problems.append(ValuesProblem(line: fault.line, sentence: fault.sentence))
            let section = section(of: fault, in: lines)
            guard lines[section].contains(where: { !$0.isEmpty }) else { break }
            for index in section { lines[index] = "" }
            walk = YAMLWalk(lines.joined(separator: "\n"))
        }
        // An anchor may have gone with a section that was taken out.
        let isWhole = problems.isEmpty
        problems += walk.oddities.filter { isWhole || !$0.isAlias }.map {
            ValuesProblem(line: $0.line, sentence: $0.sentence)
        }
        return Array(problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) }.prefix(limit))
    }

    /// The lines, counted from 0, of the section with the mistake.
    private static func section(of fault: YAMLWalk.Fault, in lines: [Substring]) -> Range<Int> {
        let place = min(max(fault.opening - 1, 0), lines.count - 1)
        var (start, end) = (place, place + 1)
        while start > 0, !isAtMargin(lines[start]) { start -= 1 }
        while end < lines.count, !isAtMargin(lines[end]) { end += 1 }
        return start..<end
    }

    private static func isAtMargin(_ line: Substring) -> Bool {
        guard let first = line.utf8.first else { return false }
        return !" \t\r#]}".utf8.contains(first)
    }
}

extension ValuesYAML {
    /// Says all that is wrong in one reason.
    fileprivate static func checkForm(_ text: String, field: String, _ problems: [ValuesProblem]) throws(Reason) {
        guard problems.contains(where: { $0.line != nil }) else { return try check(text, field: field) }
        let list = problems.map { problem in
            problem.line.map { "line \($0): \(problem.sentence)" } ?? problem.sentence
        }
        throw Reason(
            code: "invalid_yaml",
            sentence: "'\(field)' is not YAML that can be used: \(list.joined(separator: "; ")).",
            field: field
        )
    }
}
