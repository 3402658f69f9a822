import WorkerRuntime

/// What differs between two values, path by path; nothing where they say the same, however they are written.
///
/// Elements of lists are compared place by place.
struct ValuesDiff: Sendable, Hashable {
    enum Kind: String, Sendable, Hashable {
        case added
        case changed
        case removed
    }

    /// One difference; confidential values are never shown.
    struct Change: Sendable, Hashable {
        let path: String
        let kind: Kind
        let old: String?
        let new: String?
    }

    /// Ordered by path.
    private(set) var changes: [Change] = []
    var isEmpty: Bool { changes.isEmpty }

    private let confidential: ConfidentialValues

    /// Compares two texts.
    ///
    /// - Parameter confidential: Paths, beside those whose names tell, whose values are not shown.
    /// - Throws: Why one of them cannot be read.
    static func between(
        _ old: String,
        _ new: String,
        confidential: ConfidentialValues = ConfidentialValues(),
        oldField: String = "old values",
        newField: String = "values"
    ) throws(Reason) -> ValuesDiff {
        ValuesDiff(
            try ValuesTree(yaml: old, field: oldField),
            try ValuesTree(yaml: new, field: newField),
            confidential: confidential
        )
    }

    init(_ old: ValuesTree, _ new: ValuesTree, confidential: ConfidentialValues = ConfidentialValues()) {
        self.confidential = confidential
        compare(old, new, .root, isHidden: false)
    }

    private mutating func compare(_ old: ValuesTree?, _ new: ValuesTree?, _ path: ValuesPath, isHidden: Bool) {
        guard old != new else { return }
        switch (old, new) {
        case (.mapping(let old)?, .mapping(let new)?): compare(old, new, path, isHidden)
        case (.list(let old)?, .list(let new)?): compare(old, new, path, isHidden)
        case (let old?, let new?) where old.isLeaf && new.isLeaf: note(old, new, path, isHidden)
        case (let old?, let new?):
            compare(old, nil, path, isHidden: isHidden)
            compare(nil, new, path, isHidden: isHidden)
        case (let leaf?, nil) where leaf.isLeaf: note(leaf, nil, path, isHidden)
        case (nil, let leaf?) where leaf.isLeaf: note(nil, leaf, path, isHidden)
        case (.mapping(let old)?, nil): compare(old, [:], path, isHidden)
        case (nil, .mapping(let new)?): compare([:], new, path, isHidden)
        case (.list(let old)?, nil): compare(old, [], path, isHidden)
        case (nil, .list(let new)?): compare([], new, path, isHidden)
        default: break
        }
    }

    private mutating func compare(
        _ old: [String: ValuesTree],
        _ new: [String: ValuesTree],
        _ path: ValuesPath,
        _ isHidden: Bool
    ) {
        for name in Set(old.keys).union(new.keys).sorted() {
            let member = path.member(name)
            let isHidden =
                isHidden || confidential.isConfidential(name: name, at: member)
                || name == "value" && (Self.namesSecret(old) || Self.namesSecret(new))
            compare(old[name], new[name], member, isHidden: isHidden)
        }
    }

    private mutating func compare(_ old: [ValuesTree], _ new: [ValuesTree], _ path: ValuesPath, _ isHidden: Bool) {
        for index in 0..<max(old.count, new.count) {
            let element = path.element(index)
            let isHidden =
                isHidden || confidential.paths.contains(element.text)
                || Self.isArgument(index, of: old) || Self.isArgument(index, of: new)
            compare(
                index < old.count ? old[index] : nil,
                index < new.count ? new[index] : nil,
                element,
                isHidden: isHidden
            )
        }
    }

    /// Whether a mapping is a variable such as `{name: DB_PASSWORD, value: …}`.
    private static func namesSecret(_ members: [String: ValuesTree]) -> Bool {
        guard case .text(let name) = members["name"] else { return false }
        return ConfidentialValues.isConfidential(name: name)
    }

    /// Whether an element is what a confidential argument before it sets, such as `--password`.
    private static func isArgument(_ index: Int, of elements: [ValuesTree]) -> Bool {
        guard index > 0, index < elements.count, case .text(let argument) = elements[index - 1],
            argument.hasPrefix("-"), !argument.contains("=")
        else { return false }
        return ConfidentialValues.isConfidential(name: argument)
    }

    private mutating func note(_ old: ValuesTree?, _ new: ValuesTree?, _ path: ValuesPath, _ isHidden: Bool) {
        let kind: Kind = old == nil ? .added : new == nil ? .removed : .changed
        changes.append(
            Change(
                path: path.text,
                kind: kind,
                old: old.map { Self.shown($0, isHidden) },
                new: new.map { Self.shown($0, isHidden) }
            )
        )
    }

    private static func shown(_ leaf: ValuesTree, _ isHidden: Bool) -> String {
        if case .text(let text) = leaf,
            ConfidentialValues.isConfidential(text: text) || ConfidentialValues.setsConfidential(text)
        {
            return ConfidentialValues.placeholder
        }
        return isHidden ? ConfidentialValues.placeholder : RenderedValue.of(leaf)
    }
}
