import Postgres

/// What an auto-deploy rule made of the newest release, and what became of its newest firing.
struct RuleStory: Encodable {
    let instance: String
    let name: String?
    let enabled: Bool
    let actsFor: String
    let lastVersion: String?
    let lastEvaluated: String?
    let fired: Bool
    let reason: String?
    let command: String?
    let commandState: String?
    let commandReason: String?

    /// The rules of an environment or an instance, named as `project/environment[/instance]`.
    static func read(_ what: String, _ database: PostgresConnection) throws -> [RuleStory] {
        let parts = what.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 || parts.count == 3 else { return [] }
        return try database.query(
            """
            select r.instance, r.name, r.enabled, r.creator, r.last_version,
                \(Instant.text("r.last_evaluated")), r.last_reason_code,
                r.last_reason, r.last_command::text, r.last_command_state, r.last_command_reason_code,
                r.last_command_reason
            from auto_deploy_rule r join environment e on e.id = r.environment_id
            where e.project = $1 and e.environment = $2 and ($3::text is null or r.instance = $3)
            order by r.instance
            """,
            [.text(parts[0]), .text(parts[1]), .optionalText(parts.count == 3 ? parts[2] : nil)]
        ).map(RuleStory.init)
    }

    private init(_ row: PostgresRow) throws {
        instance = try row.string(0)
        name = try row.optionalString(1)
        enabled = try row.bool(2)
        actsFor = try row.string(3)
        lastVersion = try row.optionalString(4)
        lastEvaluated = try row.optionalString(5)
        let code = try row.optionalString(6)
        fired = lastVersion != nil && code == nil
        reason = try row.optionalString(7).map { "\(code ?? ""): \($0)" }
        command = try row.optionalString(8)
        commandState = try row.optionalString(9)
        let commandCode = try row.optionalString(10)
        commandReason = try row.optionalString(11).map { "\(commandCode ?? ""): \($0)" }
    }

    func print(_ terminal: Terminal) {
        let state = enabled ? "enabled" : "disabled"
        terminal.line(
            "\(terminal.paint("auto-deploy rule", .bold)) of \(instance)  \(name.map { "'\($0)'  " } ?? "")\(state), "
                + "acts for \(actsFor)"
        )
        guard let lastVersion else { return terminal.line("  no release was looked at yet") }
        let when = lastEvaluated.map { " at \($0)" } ?? ""
        terminal.line(
            fired
                ? "  fired for \(lastVersion)\(when)"
                : "  did not fire for \(lastVersion)\(when): \(reason ?? "no reason is known")"
        )
        if let command, let commandState {
            terminal.line(
                "  its newest command: \(terminal.state(commandState))  \(terminal.paint(command, .dim))  "
                    + (commandReason ?? "")
            )
        }
    }
}
