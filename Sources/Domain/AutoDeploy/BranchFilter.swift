public import WorkerRuntime

/// The types of branches that teams name their branches by: `feature/login` and `feature-login` are features.
public enum BranchType: String, Sendable, Hashable, CaseIterable {
    /// The main line: `master`, `main` and what is under them.
    case master
    /// New work.
    case feature
    /// A repair that waits for the next version.
    case bugfix
    /// What is being made ready as a version.
    case release
    /// A repair of what runs.
    case hotfix
    /// Every other branch.
    case custom

    /// Tells the type of a branch by its name.
    public init(of branch: String) {
        let name = BranchFilter.shortened(branch)
        if BranchFilter.begins(name, with: "main") {
            self = .master
        } else {
            self = Self.allCases.first { $0 != .custom && BranchFilter.begins(name, with: $0.rawValue) } ?? .custom
        }
    }
}

/// Which branches a rule takes: types such as `hotfix`, names such as `develop`, prefixes such as `support`.
///
/// An entry takes a branch of that type or name, and what follows it after `/`, `-` or `_`: `support` takes
/// `support/1.x`. No entries take every branch, also of a release that names none.
public struct BranchFilter: Sendable, Hashable {
    private let entries: [String]

    /// Makes a filter of entries that ``check(_:)`` takes.
    public init(_ entries: [String]) {
        self.entries = entries
    }

    /// Why a release of this branch is not taken; `nil` where it is.
    public func refusal(of branch: String?) -> Reason? {
        guard !entries.isEmpty else { return nil }
        let wanted = entries.joined(separator: ", ")
        guard let branch, !branch.isEmpty else {
            return Reason(code: "no_branch", sentence: "The release names no branch; the rule takes only: \(wanted).")
        }
        let type = BranchType(of: branch)
        let name = Self.shortened(branch)
        guard entries.contains(where: { $0.lowercased() == type.rawValue || Self.begins(name, with: $0) }) else {
            return Reason(
                code: "other_branch",
                sentence: "The branch '\(name.prefix(80))' is of the type \(type.rawValue); "
                    + "the rule takes only: \(wanted)."
            )
        }
        return nil
    }

    /// Refuses entries that could never take a branch.
    public static func check(_ entries: [String]) throws(Reason) {
        guard entries.count <= 20 else {
            throw Reason(
                code: "invalid_field",
                sentence: "'branches' has \(entries.count) entries; it should have at most 20.",
                field: "branches"
            )
        }
        for (index, entry) in entries.enumerated() {
            let isName = entry.utf8.allSatisfy { byte in
                (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
                    || "./-_".utf8.contains(byte)
            }
            guard isName, !entry.isEmpty, entry.utf8.count <= 100 else {
                throw Reason(
                    code: "invalid_field",
                    sentence: "'branches[\(index)]' should be 1 to 100 letters, digits, '.', '/', '-' and '_': a type "
                        + "such as 'hotfix', or the beginning of a branch's name.",
                    field: "branches[\(index)]"
                )
            }
        }
    }

    /// A branch without what git puts before it.
    static func shortened(_ branch: String) -> String {
        let head = "refs/heads/"
        return branch.hasPrefix(head) ? String(branch.dropFirst(head.count)) : branch
    }

    /// Whether a name is an entry, or goes on after it with a separator; without regard to case.
    static func begins(_ name: String, with entry: String) -> Bool {
        let (name, entry) = (name.lowercased(), entry.lowercased())
        guard name.hasPrefix(entry) else { return false }
        guard let next = name.dropFirst(entry.count).first, let last = entry.last else { return true }
        return "/-_".contains(next) || "/-_".contains(last)
    }
}
