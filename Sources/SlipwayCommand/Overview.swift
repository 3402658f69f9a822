import ArgumentParser
import Foundation
import Postgres

struct Overview: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the environments and what is in them, from the database."
    )

    @Argument(help: "Only this project, or this environment as project/environment.")
    var place: String?
    @Option(help: "Only this project.")
    var project: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let parts = try Self.parts(of: place)
        if let project, let named = parts.first, named != project {
            throw ValidationError("'\(named)' is not the project of '--project \(project)'; name one of them.")
        }
        let database = try connection.connect()
        defer { database.close() }
        let reader = OverviewReader(
            database: database,
            project: parts.first ?? project,
            environment: parts.count > 1 ? parts[1] : nil
        )
        try reader.requireProject()
        let environments = try reader.environments()
        if parts.count > 1, environments.isEmpty { throw ValidationError("There is no environment '\(place ?? "")'.") }
        if output.json { return try printJSON(rows: reader.environmentsAsJSON()) }
        let terminal = Terminal()
        if environments.isEmpty {
            terminal.line("there is no environment yet; 'slipway send environment.create' makes one")
        }
        for (index, environment) in environments.enumerated() {
            if index > 0 { terminal.line() }
            Self.show(environment, terminal)
        }
    }

    static func parts(of place: String?) throws -> [String] {
        guard let place else { return [] }
        let parts = place.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, !parts.contains("") else {
            throw ValidationError("'\(place)' should be a project or project/environment.")
        }
        return parts
    }

    static func show(_ place: EnvironmentLine, _ terminal: Terminal) {
        let group = place.group.map { "  group \($0)" } ?? ""
        let errors = place.errors > 0 ? "  " + terminal.paint("\(place.errors) to look at", .red) : ""
        terminal.line(
            "\(terminal.paint("\(place.project)/\(place.environment)", .bold))  \(terminal.state(place.state))  "
                + "cluster \(place.cluster) (\(terminal.state(place.agent)))  namespace \(place.namespace)\(group)\(errors)"
        )
        let instances = place.instances ?? []
        terminal.table(
            ["  INSTANCE", "APPLICATION", "VERSION", "STATE", "HEALTH", "PODS", "REACHED BY", "REASON"],
            instances.map {
                [
                    "  " + $0.instance, $0.application, $0.version, $0.openOperation.map { "\($0) …" } ?? $0.state,
                    $0.health, "\($0.podsReady)/\($0.podsTotal)", ($0.domains + $0.networks).joined(separator: " "),
                    $0.remark,
                ]
            }
        )
        if instances.isEmpty { terminal.line("  nothing is deployed") }
        guard let objects = place.objects, !objects.isEmpty else { return }
        terminal.line("  \(place.contents)")
        terminal.table(
            ["  KIND", "NAME", "STATE", "WHAT", "EXPIRES", "REASON"],
            objects.map {
                [
                    "  " + $0.kind, $0.name, $0.state, $0.words, $0.expires.map { String($0.prefix(10)) } ?? "",
                    $0.remark,
                ]
            }
        )
    }
}

struct Deployments: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show which version of each application runs in which environment, and where an update is available."
    )

    @Argument(help: "Only this project.")
    var project: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let database = try connection.connect()
        defer { database.close() }
        let reader = OverviewReader(database: database, project: project)
        try reader.requireProject()
        if output.json { return try printJSON(rows: reader.deploymentsAsJSON()) }
        Self.show(try reader.deployments(), Terminal())
    }

    static func show(_ lines: [DeploymentLine], _ terminal: Terminal) {
        if lines.isEmpty { terminal.line("there is no application in an environment yet") }
        for matrix in DeploymentMatrix.all(lines) {
            terminal.line(terminal.paint(matrix.project, .bold))
            terminal.table(
                ["  APPLICATION", "NEWEST"] + matrix.environments,
                matrix.rows.map { ["  " + $0[0]] + $0.dropFirst() }
            )
        }
        if lines.contains(where: { $0.updateAvailable == true }) { terminal.line("↑ an update is available") }
    }
}

/// The applications of a project by its environments.
struct DeploymentMatrix: Equatable {
    let project: String
    let environments: [String]
    /// Of each application: its name, its newest version, and a cell for each environment.
    let rows: [[String]]

    /// One matrix a project, in the order of the lines.
    ///
    /// A cell names each version that runs with the number of its instances, and marks those that are not the newest.
    static func all(_ lines: [DeploymentLine]) -> [DeploymentMatrix] {
        Dictionary(grouping: lines, by: \.project).sorted { $0.key < $1.key }.map { project, lines in
            let environments = Set(lines.map(\.environment)).sorted()
            let applications = Dictionary(grouping: lines, by: \.application).sorted { $0.key < $1.key }
            return DeploymentMatrix(
                project: project,
                environments: environments,
                rows: applications.map { application, lines in
                    [application, lines.first?.newestVersion ?? "-"]
                        + environments.map { environment in cell(lines.filter { $0.environment == environment }) }
                }
            )
        }
    }

    private static func cell(_ lines: [DeploymentLine]) -> String {
        let instances = lines.filter { $0.instance != nil }
        guard !instances.isEmpty else { return "-" }
        let versions = Dictionary(grouping: instances) { $0.runningVersion ?? $0.desiredVersion ?? "?" }
        return versions.sorted { $0.key > $1.key }.map { version, lines in
            let count = lines.count > 1 ? " ×\(lines.count)" : ""
            let update = lines.contains { $0.updateAvailable == true } ? " ↑" : ""
            let failed = lines.contains { $0.state == "failed" } ? " failed" : ""
            return version + count + update + failed
        }.joined(separator: ", ")
    }
}
