import ArgumentParser
import Foundation
import Postgres

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what happened to an instance or a command, what it waits for, and who must act."
    )

    @Argument(
        help: "An instance as project/environment/instance, an environment as project/environment, or a command's id."
    )
    var what: String
    @OptionGroup var wanted: DetailOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    struct Answer: Encodable {
        let commands: [Story]
        let rules: [RuleStory]
        /// What was asked for beside, see ``DetailOptions``.
        let details: Details?
    }

    struct Story: Encodable {
        let command: String
        let operation: String
        let subject: String
        let state: String
        let steps: [Step]
        let waitsFor: String?
    }

    struct Step: Encodable {
        let time: String
        let state: String
        let isLate: Bool
        let worker: String
        let reason: String?
    }

    func run() throws {
        let database = try connection.connect()
        let ids = try find(database)
        let rules = try RuleStory.read(what, database)
        guard !ids.isEmpty || !rules.isEmpty else {
            throw ValidationError("'\(what)' is no known command, and no instance or environment with a command.")
        }
        let stories = try ids.map { try story(of: $0, database) }
        let details = try details(database)
        database.close()
        if output.json { return try printJSON(Answer(commands: stories, rules: rules, details: details)) }
        let terminal = Terminal()
        for story in stories {
            terminal.line(
                "\(terminal.paint(story.operation, .bold)) of \(story.subject)  \(terminal.state(story.state))  \(terminal.paint(story.command, .dim))"
            )
            if story.steps.isEmpty { terminal.line("  its steps are older than the ledger goes back") }
            for step in story.steps {
                let late = step.isLate ? " (late: changes nothing)" : ""
                terminal.line(
                    "  \(Instant.short(step.time))  \(terminal.state(step.state))\(late)  by \(step.worker)  \(Terminal.plain(step.reason ?? ""))"
                )
            }
            if let waits = story.waitsFor {
                terminal.line("  \(terminal.paint("waits for", .yellow)) \(Terminal.plain(waits))")
            }
        }
        for rule in rules { rule.print(terminal) }
        details?.print(terminal)
    }

    private func details(_ database: PostgresConnection) throws -> Details? {
        guard wanted.stages || wanted.events || wanted.values || wanted.operations else { return nil }
        if let id = UUID(uuidString: what) {
            guard let reader = try DetailReader.ofCommand(id, database) else {
                throw ValidationError("Details are of what is in an environment; this command is about nothing there.")
            }
            return try reader.read(wanted)
        }
        let parts = what.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count) else {
            throw ValidationError(
                "Details are of a command, an instance or an environment: project/environment[/instance]."
            )
        }
        return try DetailReader(database: database, parts: parts).read(wanted)
    }

    private func find(_ database: PostgresConnection) throws -> [UUID] {
        if let id = UUID(uuidString: what) {
            return try database.query("select id from command where id = $1", [.uuid(id)]).map { try $0.uuid(0) }
        }
        let parts = what.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 || parts.count == 3 else { return [] }
        guard parts.count == 3 else {
            return try database.query(
                "select id from command where key = $1 order by created_at desc limit 5",
                [.text(parts[0] + "/" + parts[1])]
            ).map { try $0.uuid(0) }.reversed()
        }
        return try database.query(
            """
            select c.id from environment e
            join instance i on i.environment_id = e.id
            join command c on c.instance_id = i.id
            where e.project = $1 and e.environment = $2 and i.instance = $3
            order by c.created_at desc limit 5
            """,
            [.text(parts[0]), .text(parts[1]), .text(parts[2])]
        ).map { try $0.uuid(0) }.reversed()
    }

    private func story(of id: UUID, _ database: PostgresConnection) throws -> Story {
        let row = try database.query(
            """
            select c.operation, c.key || case c.subject_kind when 'environment' then '' else '/' || c.subject_name end, c.state, c.failing_reason, k.state, c.cluster,
                extract(epoch from c.step_deadline - now())::bigint, c.healthy_since is not null, c.settle_seconds
            from command c left join cluster k on k.cluster = c.cluster where c.id = $1
            """,
            [.uuid(id)]
        ).only()
        let steps = try database.query(
            """
            select \(Instant.text("at")), state, late, worker, reason_code, reason
            from command_step where command = $1 order by revision
            """,
            [.uuid(id)]
        ).map { step in
            let code = try step.optionalString(4)
            return Step(
                time: try step.string(0),
                state: try step.string(1),
                isLate: try step.bool(2),
                worker: try step.string(3),
                reason: try step.optionalString(5).map { "\(code ?? ""): \($0)" }
            )
        }
        return Story(
            command: id.uuidString.lowercased(),
            operation: try row.string(0),
            subject: try row.string(1),
            state: try row.string(2),
            steps: steps,
            waitsFor: try waits(row)
        )
    }

    private func waits(_ row: PostgresRow) throws -> String? {
        let left = try row.optionalInt64(6).map { ", for at most \(max(0, $0)) s more" } ?? ""
        let agent = try row.optionalString(4) ?? "unknown"
        let cluster = try row.optionalString(5) ?? ""
        switch try row.string(2) {
        case "accepted", "sent":
            return agent == "connected"
                ? "the agent of cluster \(cluster) to take it\(left)"
                : "the agent of cluster \(cluster), which is \(agent): whoever runs it must start it\(left)"
        case "acknowledged":
            return "the agent of cluster \(cluster) to apply it\(left)"
        case "applied":
            if try row.bool(7) { return "the settling time of \(try row.int32(8)) s to pass in good health" }
            if let failing = try row.optionalString(3) { return "its objects to recover: \(failing)\(left)" }
            return "its objects to become healthy\(left)"
        default:
            return nil
        }
    }
}
