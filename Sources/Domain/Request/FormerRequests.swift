import Foundation
import Postgres
import WorkerRuntime

/// What the commands say that there are of a batch's requests already.
///
/// Commands stay for longer than the inbox remembers: an id that is used again after weeks is new to it.
struct FormerRequests {
    private let submission: PostgresSubmission?
    private var found: [UUID: Subject]?

    /// What a command keeps of its request.
    private struct Subject: Equatable {
        let type: String
        let key: String
        let kind: String
        let name: String
    }

    /// Asks for those with these ids, together with whatever is asked next.
    init(of ids: [UUID], in transaction: borrowing PostgresTransaction) throws(PostgresError) {
        guard !ids.isEmpty else {
            submission = nil
            return
        }
        submission = try transaction.submit(
            "select id, request_type, key, subject_kind, subject_name from command where id = any($1)",
            [.array(.uuids(ids))]
        )
    }

    /// Whether a request was made into the command of this id before.
    ///
    /// - Throws: ``Reason/idReused`` where that was another request.
    mutating func has(
        _ id: UUID,
        _ request: RequestIdentity,
        in transaction: borrowing PostgresTransaction
    ) throws -> Bool {
        guard let former = try subjects(in: transaction)[id] else { return false }
        let subject = Subject(
            type: request.type,
            key: request.key,
            kind: request.subjectKind,
            name: request.subjectName
        )
        guard former == subject else { throw Reason.idReused }
        return true
    }

    private mutating func subjects(in transaction: borrowing PostgresTransaction) throws -> [UUID: Subject] {
        if let found { return found }
        var subjects: [UUID: Subject] = [:]
        if let submission {
            for row in try transaction.result(of: submission) {
                subjects[try row.uuid(0)] = Subject(
                    type: try row.string(1),
                    key: try row.string(2),
                    kind: try row.string(3),
                    name: try row.string(4)
                )
            }
        }
        found = subjects
        return subjects
    }
}
