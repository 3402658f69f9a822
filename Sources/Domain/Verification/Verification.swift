public import Postgres

/// Something that the ledger says otherwise than the row that was derived from it.
public struct Difference: Codable, Sendable, Hashable {
    /// Which rule was broken.
    public let rule: String
    /// What it is about.
    public let subject: String
    /// What the ledger says, and what stands there instead.
    public let says: String
}

/// Derives states again from the ledger and compares them with what is stored.
///
/// Read-only, and a snapshot of the database for each rule, which compares nothing across rules: a fleet may go on working
/// meanwhile, and no snapshot keeps the dead versions of its hot rows for longer than one rule takes.
public enum Verification {
    /// How many differences of a rule are told at most.
    public static let mostTold = 100

    /// Compares everything; the differences come rule by rule.
    public static func differences(on connection: PostgresConnection) throws -> [Difference] {
        try connection.withoutStatementLimit {
            var differences: [Difference] = []
            for rule in rules {
                differences += try rule.find(connection).map {
                    Difference(rule: rule.name, subject: $0.subject, says: $0.says)
                }
            }
            return differences
        }
    }

    /// The rules by name, in the order in which they are looked at.
    public static var ruleNames: [String] { rules.map(\.name) }

    /// A little longer than the timekeeper waits where Slipway itself is behind, see ``DueCommand/patience``.
    static let longAfter = DueCommand.patience / 1_000_000 + 120
    static let open = "('accepted', 'sent', 'acknowledged', 'applied')"

    static let rules = commandRules + instanceRules + environmentRules + objectRules + ruleRules + messageRules

    /// What has to hold, and how a breach of it is found.
    struct Rule: Sendable {
        /// What a breach is about, and what the ledger says and what stands there instead.
        typealias Breach = (subject: String, says: String)

        let name: String
        let find: @Sendable (PostgresConnection) throws -> [Breach]

        /// A rule whose breaches are the rows of a query: the subject, and what is said of it.
        init(_ name: String, _ sql: String) {
            self.init(name) { connection in
                try connection.query(
                    "select subject, says from (\(sql)) found(subject, says) order by 1 limit \(mostTold)"
                ).map { (try $0.string(0), try $0.string(1)) }
            }
        }

        /// A rule whose breaches are found in another way.
        init(_ name: String, find: @escaping @Sendable (PostgresConnection) throws -> [Breach]) {
            (self.name, self.find) = (name, find)
        }
    }
}
