public import WorkerRuntime

/// A semantic version, tolerant of a leading `v` and of missing parts.
public struct SemanticVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    let numbers: [Int]
    let prerelease: [String]
    /// The text as it was given.
    public let description: String

    /// Reads `1.4.2`, `v1.4`, `2.0.0-rc.1+build`; `nil` where the text is none of these.
    public init?(_ text: String) {
        var body = text.first == "v" || text.first == "V" ? text.dropFirst() : text[...]
        if let plus = body.firstIndex(of: "+") { body = body[..<plus] }
        var prerelease: [String] = []
        if let dash = body.firstIndex(of: "-") {
            prerelease = body[body.index(after: dash)...].split(separator: ".").map(String.init)
            guard !prerelease.isEmpty else { return nil }
            body = body[..<dash]
        }
        let parts = body.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap(Self.number)
        guard !parts.isEmpty, parts.count <= 3, numbers.count == parts.count else { return nil }
        self.numbers = numbers + Array(repeating: 0, count: 3 - numbers.count)
        self.prerelease = prerelease
        description = text
    }

    init(_ numbers: [Int]) {
        self.numbers = numbers
        prerelease = []
        description = numbers.map(String.init).joined(separator: ".")
    }

    /// A part of a version: digits, and not more of them than the database puts in order (`version_rank`).
    static func number(_ text: Substring) -> Int? {
        guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    /// The precedence of Semantic Versioning 2.0: a prerelease comes before its release.
    public static func < (left: SemanticVersion, right: SemanticVersion) -> Bool {
        if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
        if left.prerelease.isEmpty || right.prerelease.isEmpty {
            return !left.prerelease.isEmpty && right.prerelease.isEmpty
        }
        for (one, other) in zip(left.prerelease, right.prerelease) where one != other {
            switch (Int(one), Int(other)) {
            case (let one?, let other?): return one < other
            case (_?, nil): return true
            case (nil, _?): return false
            case (nil, nil): return one < other
            }
        }
        return left.prerelease.count < right.prerelease.count
    }

    /// Equal in precedence.
    public static func == (left: SemanticVersion, right: SemanticVersion) -> Bool {
        left.numbers == right.numbers && left.prerelease == right.prerelease
    }

    /// Hashes what equality compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(numbers)
        hasher.combine(prerelease)
    }
}

/// Which versions a rule takes: `*`, `1.2.x`, `^1.2`, `~1.2`, `>=1.0.0 <2.0.0`, alternatives with `||`.
///
/// A version of which parts are left out stands for all that begin with it: `1.2` is `1.2.x`, which `<=1.2` takes and
/// `>1.2` does not.
public struct VersionRange: Sendable, Hashable {
    private struct Bound: Sendable, Hashable {
        let comparison: String
        let version: SemanticVersion

        func contains(_ candidate: SemanticVersion) -> Bool {
            switch comparison {
            case ">=": candidate >= version
            case ">": candidate > version
            case "<=": candidate <= version
            case "<": candidate < version
            default: candidate == version
            }
        }
    }

    private let alternatives: [[Bound]]

    /// Reads a range.
    ///
    /// - Throws: A reason that says which part is not a range and what would be.
    public static func parse(_ text: String) throws(Reason) -> VersionRange {
        var alternatives: [[Bound]] = []
        guard text.contains(where: { $0 != " " }) else {
            throw Reason(
                code: "invalid_range",
                sentence: "'versions' is empty; '*' takes every version.",
                field: "versions"
            )
        }
        for part in text.replacing("||", with: "|").split(separator: "|", omittingEmptySubsequences: false) {
            var bounds: [Bound] = []
            let words = part.split(separator: " ")
            guard !words.isEmpty else {
                throw Reason(
                    code: "invalid_range",
                    sentence:
                        "'versions' has nothing on one side of '||'; it should have a range there, such as '^1.2'.",
                    field: "versions"
                )
            }
            for word in words {
                guard let more = Self.bounds(String(word)) else {
                    throw Reason(
                        code: "invalid_range",
                        sentence:
                            "'versions' holds '\(word.prefix(40))'; it should be a range such as '^1.2', '~1.2.3', "
                            + "'>=1.0.0 <2.0.0', '1.x' or '*'.",
                        field: "versions"
                    )
                }
                bounds += more
            }
            alternatives.append(bounds)
        }
        return VersionRange(alternatives: alternatives)
    }

    /// Whether a version lies in the range.
    ///
    /// A prerelease does only where a bound names one of the same numbers.
    public func contains(_ version: SemanticVersion) -> Bool {
        alternatives.contains { bounds in
            guard bounds.allSatisfy({ $0.contains(version) }) else { return false }
            guard !version.prerelease.isEmpty, !bounds.isEmpty else { return true }
            return bounds.contains { !$0.version.prerelease.isEmpty && $0.version.numbers == version.numbers }
        }
    }

    private static func bounds(_ word: String) -> [Bound]? {
        if word == "*" || word == "x" { return [] }
        for comparison in [">=", "<=", ">", "<", "="] where word.hasPrefix(comparison) {
            return compared(comparison, String(word.dropFirst(comparison.count)))
        }
        if word.hasPrefix("^") { return caret(String(word.dropFirst())) }
        if word.hasPrefix("~") { return tilde(String(word.dropFirst())) }
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        if let wildcard = parts.firstIndex(where: { $0 == "x" || $0 == "X" || $0 == "*" }) {
            let numbers = parts[..<wildcard].compactMap(SemanticVersion.number)
            guard numbers.count == wildcard, (1...2).contains(wildcard) else { return nil }
            return between(numbers, raising: wildcard - 1)
        }
        return compared("=", word)
    }

    /// A comparison with a version; where parts of it are left out, with all that it may stand for, as npm and helm do.
    private static func compared(_ comparison: String, _ text: String) -> [Bound]? {
        guard let version = SemanticVersion(text) else { return nil }
        let written = writtenParts(of: text)
        guard written < 3, version.prerelease.isEmpty else { return [Bound(comparison: comparison, version: version)] }
        let series = between(Array(version.numbers[..<written]), raising: written - 1)
        switch comparison {
        case "=": return series
        case "<=": return [series[1]]
        // Behind the series, not within it.
        case ">": return [Bound(comparison: ">=", version: series[1].version)]
        default: return [Bound(comparison: comparison, version: version)]
        }
    }

    /// How many numbers of a version are written, of three.
    private static func writtenParts(of text: String) -> Int {
        text.prefix { $0 != "-" && $0 != "+" }.split(separator: ".").count
    }

    private static func caret(_ text: String) -> [Bound]? {
        guard let version = SemanticVersion(text) else { return nil }
        // Of nothing but zeros the last one that is written may not change: '^0' takes 0.9, '^0.0' does not.
        let place = version.numbers.firstIndex { $0 > 0 } ?? writtenParts(of: text) - 1
        return [Bound(comparison: ">=", version: version)] + between(version.numbers, raising: place).suffix(1)
    }

    private static func tilde(_ text: String) -> [Bound]? {
        guard let version = SemanticVersion(text) else { return nil }
        let place = writtenParts(of: text) > 1 ? 1 : 0
        return [Bound(comparison: ">=", version: version)] + between(version.numbers, raising: place).suffix(1)
    }

    private static func between(_ numbers: [Int], raising place: Int) -> [Bound] {
        let low = numbers + Array(repeating: 0, count: 3 - numbers.count)
        var high = Array(low[...place])
        high[place] += 1
        high += Array(repeating: 0, count: 3 - high.count)
        return [
            Bound(comparison: ">=", version: SemanticVersion(low)),
            Bound(comparison: "<", version: SemanticVersion(high)),
        ]
    }
}
