public import Kafka

/// What the brokers' access control lists allow, compared with what the fleet's programs need.
///
/// As Kafka reads them: an entry that denies counts more than any that allows, and `User:*` is everybody. Entries for single
/// hosts allow, since nobody knows here where a program runs, and deny nothing. Super users need no entry, and no list names
/// them.
public struct AccessComparison: Sendable {
    /// Needs of one program that the lists do not meet.
    public struct Fault: Sendable, Hashable {
        /// One sentence.
        public let says: String
        /// Whether the program's principal is known, so that it is known to lack the right.
        public let isCertain: Bool
    }

    private let entries: [KafkaAccessEntry]
    private let principals: [String: String]

    /// Makes a comparison.
    ///
    /// - Parameter principals: Who programs are to the brokers, such as `User:slipway`, by the programs' names. Of the others
    ///   it is only asked whether anybody may do what they need.
    public init(_ entries: [KafkaAccessEntry], principals: [String: String]) {
        (self.entries, self.principals) = (entries, principals)
    }

    /// What is not allowed, a sentence for each program, act and kind.
    public func faults(_ needs: [AccessNeed]) -> [Fault] {
        var order: [Group] = []
        var names: [Group: [String]] = [:]
        for need in needs {
            guard let isDenied = lacks(need) else { continue }
            let group = Group(program: need.program, act: need.act, kind: need.kind, isDenied: isDenied)
            if names[group] == nil { order.append(group) }
            names[group, default: []].append(need.isPrefix ? need.name + "*" : need.name)
        }
        return order.map { group in
            let principal = principals[group.program]
            let whom = principal ?? (group.isDenied ? "User:*" : "anybody")
            let how = group.isDenied ? "an entry denies \(whom) to" : "no entry lets \(whom)"
            let what = (names[group] ?? []).joined(separator: ", ")
            let says = "\(how) \(group.act.rawValue) the \(group.kind.rawValue) \(what), as '\(group.program)' must"
            return Fault(says: says, isCertain: principal != nil)
        }
    }

    /// Whom entries let write to a topic; `User:*` is everybody.
    public func writers(of topic: String) -> [String] {
        let need = AccessNeed("", .write, .topic, topic)
        let writers = Set(entries.filter { $0.isAllowed && $0.concerns(need) }.map(\.principal))
        return writers.filter { !isDenied(need, to: $0) }.sorted()
    }

    private struct Group: Hashable {
        let program: String
        let act: AccessNeed.Act
        let kind: AccessNeed.Kind
        let isDenied: Bool
    }

    /// Whether the need is not met, and then whether because an entry denies it; `nil` where it is met.
    private func lacks(_ need: AccessNeed) -> Bool? {
        let principal = principals[need.program]
        if isDenied(need, to: principal) { return true }
        let isAllowed = entries.contains {
            $0.isAllowed && $0.concerns(need)
                && (principal == nil || [principal, Self.everybody].contains($0.principal))
        }
        return isAllowed ? nil : false
    }

    private func isDenied(_ need: AccessNeed, to principal: String?) -> Bool {
        entries.contains {
            !$0.isAllowed && $0.host == "*" && $0.concerns(need)
                && ($0.principal == Self.everybody || $0.principal == principal)
        }
    }

    private static let everybody = "User:*"
}

extension KafkaAccessEntry {
    /// Whether it is about what the need is about.
    fileprivate func concerns(_ need: AccessNeed) -> Bool {
        switch need.kind {
        case .topic: guard resource == .topic else { return false }
        case .group: guard resource == .group else { return false }
        // librdkafka 2.0.2 does not tell transactional ids from other kinds that it has no name for.
        case .transactionalID: guard resource == .other else { return false }
        }
        guard meets(need.act) else { return false }
        if isPrefix { return need.name.hasPrefix(name) }
        return name == "*" || (name == need.name && !need.isPrefix)
    }

    /// Whether it is about the act; who may read, write, delete or alter a topic sees it, too.
    private func meets(_ act: AccessNeed.Act) -> Bool {
        switch act {
        case .read: [.all, .read].contains(operation)
        case .write: [.all, .write].contains(operation)
        case .describe where isAllowed: [.all, .describe, .read, .write, .delete, .alter].contains(operation)
        case .describe: [.all, .describe].contains(operation)
        }
    }
}
