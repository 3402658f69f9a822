/// A type of one of Slipway's own events: `slipway.<concept>.<verb>.v<version>`.
public struct EventType: Sendable, Hashable, CustomStringConvertible {
    /// What the event is about, such as `instance`.
    public let concept: String
    /// What happens to it, such as `deploy`.
    public let verb: String
    /// The version of its data, from 1.
    public let version: Int

    /// Makes a type of its parts.
    public init(concept: String, verb: String, version: Int) {
        self.concept = concept
        self.verb = verb
        self.version = version
    }

    /// Takes a type apart; `nil` where it is not one of Slipway's.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "slipway", !parts[1].isEmpty, !parts[2].isEmpty,
            let version = Self.version(parts[3])
        else { return nil }
        self.init(concept: String(parts[1]), verb: String(parts[2]), version: version)
    }

    /// The type without its version, such as `slipway.instance.deploy`.
    public var name: String { "slipway.\(concept).\(verb)" }

    /// The type as it is written.
    public var description: String { "\(name).v\(version)" }

    private static func version(_ text: Substring) -> Int? {
        let digits = text.dropFirst()
        guard text.first == "v", digits.first != "0", digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(digits)
    }
}

/// What a reader of events knows of a type.
public enum EventTypeKnowledge: Sendable, Hashable {
    /// The type is known.
    case known(EventType)
    /// The type is known in other versions only: a newer worker may read it, so the message waits.
    case unknownVersion(EventType)
    /// Nobody reads this type here.
    case unknownType

    /// Looks a type up among those that are known.
    public init(of text: String, among known: Set<EventType>) {
        guard let type = EventType(text) else {
            self = .unknownType
            return
        }
        if known.contains(type) {
            self = .known(type)
        } else if known.contains(where: { $0.name == type.name }) {
            self = .unknownVersion(type)
        } else {
            self = .unknownType
        }
    }
}
