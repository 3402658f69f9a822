import Postgres
import WorkerRuntime

/// `slipway.application.update.v1`: which releases are its versions, where its chart and images are, and whether it may
/// be deployed.
///
/// What runs goes on as it is; the next deployment uses what was said last.
struct UpdateApplication: RequestOperation {
    static let name = "application.update"
    static let access = Access.owner

    let project: String
    let application: String
    let artifact: String?
    /// Replaces the chart; one with an empty name takes it away.
    let chart: ApplicationChart?
    /// Replaces the registry; one with an empty server takes it away.
    let registry: ApplicationRegistry?
    let enabled: Bool?

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("application", application) }
    /// Deployments of the project wait, so that none begins with what is being changed.
    var rows: RequestRows { RequestRows(projects: [project], isWholeProject: true) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.name(application, "application")
        try FieldRules.text(artifact, "artifact")
        try chart?.check(isErasable: true)
        try registry?.check(isErasable: true)
        try FieldRules.something(
            [artifact != nil, chart != nil, registry != nil, enabled != nil],
            of: "'artifact', 'chart', 'registry' or 'enabled'"
        )
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        if let registry, !registry.server.isEmpty {
            try ObjectOwner.checkFree(registryOf: application, in: project, transaction)
        }
        let vault = ApplicationVault(sealing: act.desk.sealing, keyRing: act.desk.keyRing)
        let chartPassword = try vault.store(chart?.password, project, application, "chart")
        let registryPassword = try vault.store(registry?.password, project, application, "registry")
        let changed = try transaction.query(
            """
            update application set artifact = coalesce($3, artifact), enabled = coalesce($4, enabled),
                revision = revision + 1
            where project = $1 and application = $2
            """,
            [.text(project), .text(application), .optionalText(artifact), .optionalBool(enabled)]
        )
        guard changed.affected == 1 else { throw Reason.unknown("application", application) }
        if let chart {
            try transaction.submit(
                """
                update application set chart_name = nullif($3, ''), chart_repository = $4, chart_username = $5,
                    chart_password = $6
                where project = $1 and application = $2
                """,
                [
                    .text(project), .text(application), .text(chart.name), .optionalText(chart.repository),
                    .optionalText(chart.username), .optionalBytes(chartPassword),
                ]
            )
        }
        if let registry {
            try transaction.submit(
                """
                update application set registry_server = nullif($3, ''), registry_username = $4,
                    registry_password = $5
                where project = $1 and application = $2
                """,
                [
                    .text(project), .text(application), .text(registry.server), .optionalText(registry.username),
                    .optionalBytes(registryPassword),
                ]
            )
        }
        try act.succeedAtOnce(in: transaction)
    }
}
