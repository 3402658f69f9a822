import ArgumentParser
import Domain
import Foundation
import Postgres

struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show who decided what, when, on whose behalf, and how it ended; newest last."
    )

    @Argument(help: "Only what concerns this project, or this environment as project/environment.")
    var place: String?
    @Option(parsing: .unconditional, help: "Only what this caller asked for, or what was done on their behalf.")
    var caller: String?
    @Option(help: "Only this operation, such as instance.deploy.")
    var operation: String?
    @Option(help: "Only this outcome, such as rejected.")
    var outcome: String?
    @Option(help: "Only the last so many hours.")
    var hours: Int?
    @Option(help: "At most so many lines.")
    var limit = 100
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        let at: String
        let decidedBy: String
        let caller: String?
        let onBehalfOf: String?
        let operation: String
        let project: String?
        let environment: String?
        let subjectKind: String?
        let subjectName: String?
        let requestSource: String?
        let requestID: String?
        let command: String?
        let outcome: String
        let reasonCode: String?
        let reason: String?
    }

    func validate() throws {
        _ = try Overview.parts(of: place)
        guard (1...10_000).contains(limit) else {
            throw ValidationError("--limit is \(limit); it should be from 1 to 10000.")
        }
        if let hours, !(1...87_600).contains(hours) {
            throw ValidationError("--hours is \(hours); it should be from 1 to 87600.")
        }
    }

    func run() throws {
        let database = try connection.connect()
        defer { database.close() }
        // Of what is rare all months are looked through: whoever asked waits for it, or ends it.
        let lines = try database.withoutStatementLimit { try read(database) }
        if output.json { return try printJSON(lines) }
        let terminal = Terminal()
        terminal.table(
            ["AT", "CALLER", "OPERATION", "WHERE", "SUBJECT", "OUTCOME", "BY"],
            lines.map { line in
                let who = line.onBehalfOf.map { "\(line.caller ?? "?") for \($0)" } ?? line.caller ?? "nobody known"
                let place = [line.project, line.environment].compactMap { $0 }.joined(separator: "/")
                let subject = [line.subjectKind, line.subjectName].compactMap { $0 }.joined(separator: " ")
                let outcome = line.reasonCode.map { "\(line.outcome): \($0)" } ?? line.outcome
                return [line.at, who, line.operation, place, subject, outcome, line.decidedBy]
            }
        )
        if lines.isEmpty { terminal.line("there is no such line") }
    }

    private func read(_ database: PostgresConnection) throws -> [Line] {
        let parts = try Overview.parts(of: place)
        return try database.query(
            """
            select \(Instant.text("at")), decided_by, caller, on_behalf_of,
                operation, project, environment, subject_kind, subject_name, request_source, request_id, command::text,
                outcome, reason_code, reason
            from (
                select * from audit
                where ($1::text is null or project = $1) and ($2::text is null or environment = $2)
                    and ($3::text is null or caller in ($3, $3 || ' (rule)') or on_behalf_of = $3)
                    and ($4::text is null or operation = $4) and ($5::text is null or outcome = $5)
                    and ($6::int is null or at > now() - $6 * interval '1 hour')
                order by at desc, id desc limit $7
            ) newest
            order by at, id
            """,
            [
                .optionalText(parts.first), .optionalText(parts.count > 1 ? parts[1] : nil), .optionalText(caller),
                .optionalText(operation), .optionalText(outcome), hours.map { .int32(Int32($0)) } ?? .null,
                .int32(Int32(limit)),
            ]
        ).map { row in
            Line(
                at: try row.string(0),
                decidedBy: try row.string(1),
                caller: try row.optionalString(2),
                onBehalfOf: try row.optionalString(3),
                operation: try row.string(4),
                project: try row.optionalString(5),
                environment: try row.optionalString(6),
                subjectKind: try row.optionalString(7),
                subjectName: try row.optionalString(8),
                requestSource: try row.optionalString(9),
                requestID: try row.optionalString(10),
                command: try row.optionalString(11),
                outcome: try row.string(12),
                reasonCode: try row.optionalString(13),
                reason: try row.optionalString(14)
            )
        }
    }
}
