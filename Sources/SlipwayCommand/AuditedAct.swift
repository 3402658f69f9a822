import Domain
import Foundation
import Postgres

extension AuditEntry {
    /// Who is logged in on which host.
    static var person: String { "\(NSUserName())@\(ProcessInfo.processInfo.hostName)" }

    /// The line of an act of the command line: who is logged in on which host.
    ///
    /// - Parameter outcome: `done`; of an act that takes a while, `begun` and then how it ended.
    init(act operation: String, subject: String, _ detail: String? = nil, outcome: String = "done") {
        self.init(
            decidedBy: "slipway",
            caller: Self.person,
            operation: operation,
            outcome: outcome
        )
        subjectKind = detail
        subjectName = subject
    }
}

extension PostgresConnection {
    /// Does something in one transaction with its line in the audit log: what cannot be written down is not done.
    ///
    /// - Parameter act: Returns how much it changed; where that is nothing, no line is written.
    func audited(_ entry: AuditEntry, _ act: (borrowing PostgresTransaction) throws -> Int) throws -> Int {
        try transaction { (transaction: borrowing PostgresTransaction) in
            let count = try act(transaction)
            if count > 0 { try AuditLog.write([entry], in: transaction) }
            return count
        }
    }
}
