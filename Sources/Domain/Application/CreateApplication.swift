import Postgres
import WorkerRuntime

/// `slipway.application.create.v1`: what can be deployed, and which releases are its versions.
struct CreateApplication: RequestOperation {
    static let name = "application.create"
    static let access = Access.owner

    let project: String
    let application: String
    let artifact: String?
    let chart: ApplicationChart?
    let registry: ApplicationRegistry?

    var place: RequestPlace { .project(project) }
    var subject: RequestSubject { RequestSubject("application", application) }
    /// Secrets of the project wait, so that none takes the name of the registry's meanwhile.
    var rows: RequestRows { RequestRows(isWholeProject: registry != nil) }

    func check() throws(Reason) {
        try FieldRules.name(project, "project")
        try FieldRules.name(application, "application")
        try FieldRules.text(artifact, "artifact")
        try chart?.check(isErasable: false)
        try registry?.check(isErasable: false)
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try act.requireProject(project, in: transaction)
        if let registry, !registry.server.isEmpty {
            try ObjectOwner.checkFree(registryOf: application, in: project, transaction)
        }
        let vault = ApplicationVault(sealing: act.desk.sealing, keyRing: act.desk.keyRing)
        let made = try transaction.query(
            """
            insert into application (project, application, artifact, chart_repository, chart_name, created_at,
                chart_username, chart_password, registry_server, registry_username, registry_password)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing
            """,
            [
                .text(project), .text(application), .text(artifact ?? application), .optionalText(chart?.repository),
                .optionalText(chart?.name), .timestamp(act.now), .optionalText(chart?.username),
                .optionalBytes(try vault.store(chart?.password, project, application, "chart")),
                .optionalText(registry?.server), .optionalText(registry?.username),
                .optionalBytes(try vault.store(registry?.password, project, application, "registry")),
            ]
        )
        guard made.affected == 1 else { throw Reason.exists("application", application) }
        try act.succeedAtOnce(in: transaction)
    }
}
