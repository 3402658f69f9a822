import Foundation
public import Postgres
public import Sealing
import WorkerRuntime

/// Encrypts what is kept confidential anew with the newest key of the ring, so that older keys can go.
///
/// Any number of times, beside working workers: each chunk is a transaction, and each row is locked meanwhile. What is
/// encrypted stays the same value, so nobody is told of it.
public struct KeyRingRotation {
    private let keyRing: KeyRing

    /// What a rotation did.
    public struct Report: Sendable, Hashable, Encodable {
        /// Rows that hold something encrypted.
        public internal(set) var rows = 0
        /// Values that were encrypted anew.
        public internal(set) var values = 0
    }

    /// Makes a rotation.
    ///
    /// - Parameter keyRing: Holds the newest key, and those that encrypted what there is.
    public init(keyRing: KeyRing) {
        self.keyRing = keyRing
    }

    /// Goes through everything that is encrypted.
    ///
    /// - Throws: A `Reason` where a value cannot be decrypted, or a `PostgresError`.
    public func run(on connection: PostgresConnection, chunk: Int = 100) throws -> Report {
        try connection.withoutStatementLimit { try rotate(on: connection, chunk: chunk) }
    }

    private func rotate(on connection: PostgresConnection, chunk: Int) throws -> Report {
        var report = try objectsAndAttempts(on: connection, chunk: chunk)
        // A value may have gone from an attempt to its object meanwhile, behind the chunk of that.
        report.values += try objectsAndAttempts(on: connection, chunk: chunk).values
        for column in ["registry_password", "chart_password"] {
            try connection.transaction { (transaction: borrowing PostgresTransaction) in
                try applications(column, &report, in: transaction)
            }
        }
        return report
    }

    private func objectsAndAttempts(on connection: PostgresConnection, chunk: Int) throws -> Report {
        var report = Report()
        var last: Int64 = 0
        while true {
            let next = try connection.transaction { (transaction: borrowing PostgresTransaction) in
                try objects(after: last, limit: chunk, &report, in: transaction)
            }
            guard let next else { break }
            last = next
        }
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try attempts(&report, in: transaction)
        }
        return report
    }

    /// Applications are few: one transaction.
    private func applications(
        _ column: String,
        _ report: inout Report,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let rows = try transaction.query(
            """
            select project, application, \(column) from application where \(column) is not null
            order by project, application for no key update
            """
        )
        let part = column.replacing("_", with: ".")
        for row in rows {
            report.rows += 1
            let ciphertext = try row.bytes(2)
            guard try keyRing.needsRotation(ciphertext) else { continue }
            let (project, application) = (try row.string(0), try row.string(1))
            let binding = Binding(project, "application", application, part)
            let value = try keyRing.encrypt(try keyRing.decrypt(ciphertext, for: binding), for: binding)
            try transaction.submit(
                "update application set \(column) = $3 where project = $1 and application = $2",
                [.text(project), .text(application), .bytes(value)]
            )
            report.values += 1
        }
    }

    /// What commands asked for that ended without success is little: one transaction.
    private func attempts(_ report: inout Report, in transaction: borrowing PostgresTransaction) throws {
        let rows = try transaction.query(
            """
            select a.command, e.project, e.environment, o.kind, o.name, a.confidential::text
            from object_attempt a join environment_object o on o.id = a.object_id
            join environment e on e.id = o.environment_id
            where a.confidential <> '{}' order by a.command for no key update of a
            """
        )
        for row in rows {
            let place = try self.place(row)
            report.rows += 1
            let before = try EncryptedValues(json: row.string(5))
            let after = try rotated(before, place, &report)
            guard after != before else { continue }
            try transaction.submit(
                "update object_attempt set confidential = $2 where command = $1",
                [.uuid(try row.uuid(0)), .jsonb(try after.json)]
            )
        }
    }

    /// Where the values of a row belong, by its second to fifth column.
    private func place(_ row: PostgresRow) throws(PostgresError) -> ConfidentialPlace {
        ConfidentialPlace(
            project: try row.string(1),
            environment: try row.string(2),
            concept: ObjectConcept(rawValue: try row.string(3)) ?? .secret,
            name: try row.string(4)
        )
    }

    /// One chunk; returns the last row of it, or `nil` where none is left.
    private func objects(
        after last: Int64,
        limit: Int,
        _ report: inout Report,
        in transaction: borrowing PostgresTransaction
    ) throws -> Int64? {
        let rows = try transaction.query(
            """
            select o.id, e.project, e.environment, o.kind, o.name, o.confidential::text, o.running_confidential::text
            from environment_object o join environment e on e.id = o.environment_id
            where o.id > $1 and (o.confidential <> '{}' or coalesce(o.running_confidential, '{}') <> '{}')
            order by o.id limit $2 for no key update of o
            """,
            [.int64(last), .int32(Int32(limit))]
        )
        for row in rows {
            let place = try self.place(row)
            let wanted = try EncryptedValues(json: row.string(5))
            let running = try row.optionalString(6).map { try EncryptedValues(json: $0) }
            let after = try (rotated(wanted, place, &report), running.map { try rotated($0, place, &report) })
            report.rows += 1
            guard after.0 != wanted || after.1 != running else { continue }
            try transaction.submit(
                "update environment_object set confidential = $2, running_confidential = $3 where id = $1",
                [.int64(try row.int64(0)), .jsonb(try after.0.json), .optionalJSONB(try after.1?.json)]
            )
        }
        return try rows.last?.int64(0)
    }

    private func rotated(_ values: EncryptedValues, _ place: ConfidentialPlace, _ report: inout Report) throws
        -> EncryptedValues
    {
        let vault = ObjectVault(sealing: nil, keyRing: keyRing)
        var after = values
        for name in values.names {
            guard let ciphertext = values[name], try keyRing.needsRotation(ciphertext) else { continue }
            let value = try vault.decrypt(ciphertext, of: place, name)
            after[name] = try keyRing.encrypt(value, for: place.binding(name))
            report.values += 1
        }
        return after
    }
}
