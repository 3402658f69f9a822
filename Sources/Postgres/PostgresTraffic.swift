/// What a session has sent and waited for since it was made: what tests hold a batch to, whatever the machine is like.
package struct PostgresTraffic: Equatable {
    /// Statements sent, also BEGIN and COMMIT.
    package internal(set) var statements = 0
    /// How often the session waited for the server's answers.
    package internal(set) var waits = 0

    /// What came between two looks.
    package static func - (after: Self, before: Self) -> Self {
        PostgresTraffic(statements: after.statements - before.statements, waits: after.waits - before.waits)
    }
}
