import Foundation
public import Postgres
import WorkerRuntime

/// Writes the audit log; see `V1004_audit.sql` for its columns.
public enum AuditLog {
    /// The longest text of a column that a sender chose, in bytes: a character may have any number of them, an index not.
    private static let longest = 1000

    /// Writes lines with one statement, whatever their number; they are committed with what they tell of.
    ///
    /// - Parameter at: When it was decided, in microseconds since 1970; now, unless it was before what others wrote meanwhile.
    public static func write(
        _ entries: [AuditEntry],
        at: Int64? = nil,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) {
        guard !entries.isEmpty else { return }
        func texts(_ text: (AuditEntry) -> String?) -> PostgresValue {
            .array(.optionalTexts(entries.map { text($0).map(cut) }))
        }
        try transaction.submit(
            """
            insert into audit (at, decided_by, caller, on_behalf_of, operation, project, environment, subject_kind,
                subject_name, request_source, request_id, command, outcome, reason_code, reason)
            select coalesce($15, clock_timestamp()), decided_by, caller, on_behalf_of, operation, project, environment, subject_kind, subject_name,
                request_source, request_id, command::uuid, outcome, reason_code, reason
            from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
                with ordinality as line(decided_by, caller, on_behalf_of, operation, project, environment,
                    subject_kind, subject_name, request_source, request_id, command, outcome, reason_code, reason, place)
            order by place
            """,
            [
                texts(\.decidedBy), texts(\.caller), texts(\.onBehalfOf), texts(\.operation), texts(\.project),
                texts(\.environment), texts(\.subjectKind), texts(\.subjectName), texts(\.requestSource),
                texts(\.requestID), texts { $0.command?.uuidString }, texts(\.outcome), texts { $0.reason?.code },
                texts { $0.reason?.sentence }, .optionalTimestamp(at),
            ]
        )
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > longest else { return text }
        return String(decoding: text.utf8.prefix(longest), as: UTF8.self)
    }

    /// Writes one line in a transaction of its own: for acts of the command line.
    public static func write(_ entry: AuditEntry, on connection: PostgresConnection) throws {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try write([entry], in: transaction)
        }
    }
}
