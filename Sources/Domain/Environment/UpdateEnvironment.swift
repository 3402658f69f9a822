import Postgres
import WorkerRuntime

/// `slipway.environment.update.v1`: what people call an environment, where it stands among others, and whether what
/// was changed by hand is to be put back.
struct UpdateEnvironment: EnvironmentRequest {
    static let name = "environment.update"

    let project: String
    let environment: String
    let displayName: String?
    let description: String?
    /// A group of the project; an empty text is the default group.
    let group: String?
    let repairDrift: Bool?
    // These never change; naming them is refused rather than ignored.
    let code: String?
    let cluster: String?
    let namespace: String?

    var rows: RequestRows { RequestRows(projects: group == nil ? [] : [project]) }

    func check() throws(Reason) {
        try FieldRules.environment(project, environment)
        for (field, text) in [("code", code), ("cluster", cluster), ("namespace", namespace)] where text != nil {
            throw Reason(
                code: "immutable_field",
                sentence: "'\(field)' of an environment never changes; make another environment instead"
                    + (field == "code" ? "." : ", or see 'environment.connect'."),
                field: field
            )
        }
        try FieldRules.environmentTexts(displayName: displayName, description: description)
        if let group, !group.isEmpty { try FieldRules.group(group, "group") }
        try FieldRules.something(
            [displayName != nil, description != nil, group != nil, repairDrift != nil],
            of: "'displayName', 'description', 'group' or 'repairDrift'"
        )
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let place = try act.environment(project, environment, in: transaction)
        try place.requireConfigurable()
        if let group {
            let id = try EnvironmentGroups.find(group, of: project, in: transaction)
            try transaction.submit(
                """
                update environment set group_id = $2, position = \(EnvironmentGroups.last("$2", of: "$3"))
                where id = $1 and group_id is distinct from $2
                """,
                [.int64(place.id), .optionalInt64(id), .text(project)]
            )
        }
        try act.change(
            place.id,
            """
            display_name = nullif(coalesce($4, display_name), ''), description = nullif(coalesce($5, description), ''),
                repair_drift = coalesce($6, repair_drift)
            """,
            [.optionalText(displayName), .optionalText(description), .optionalBool(repairDrift)],
            in: transaction
        )
        try act.succeedAtOnce(on: place, in: transaction)
    }
}
