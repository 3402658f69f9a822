import ArgumentParser
import Domain
import Foundation
import JSON
import Postgres

struct Containers: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the containers of an environment as the cluster's agent saw them last, from the database."
    )

    @Argument(help: "The environment as project/environment, or an instance as project/environment/instance.")
    var place: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        let instance: String?
        let pod: String
        let container: String
        let role: String
        let state: String
        let ready: Bool
        let restarts: Int64
        let image: String?
        let node: String?
        let address: String?
        let started: String?
    }

    func run() throws {
        let parts = place.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), !parts.contains("") else {
            throw ValidationError(
                "'\(place)' should have the form project/environment or project/environment/instance."
            )
        }
        let database = try connection.connect()
        defer { database.close() }
        let known = try database.query(
            "select 1 from environment where project = $1 and environment = $2 and state <> 'deleted'",
            [.text(parts[0]), .text(parts[1])]
        )
        guard known.count == 1 else { throw ValidationError("There is no environment '\(parts[0])/\(parts[1])'.") }
        if parts.count == 3 {
            let instance = try database.query(
                """
                select from instance i join environment e on e.id = i.environment_id
                where e.project = $1 and e.environment = $2 and e.state <> 'deleted' and i.instance = $3
                    and i.state <> 'deleted'
                """,
                parts.map(PostgresValue.text)
            )
            guard instance.count == 1 else { throw ValidationError("There is no instance '\(place)'.") }
        }
        let lines = try lines(parts, database)
        if output.json { return try printJSON(lines) }
        let rows = lines.map {
            [
                $0.instance ?? "", $0.pod, $0.container, $0.state, $0.ready ? "yes" : "no", String($0.restarts),
                $0.image ?? "", $0.node ?? "",
            ]
        }
        let terminal = Terminal()
        terminal.table(["INSTANCE", "POD", "CONTAINER", "STATE", "READY", "RESTARTS", "IMAGE", "NODE"], rows)
        if rows.isEmpty { terminal.line("there is no container") }
    }

    private func lines(_ parts: [String], _ database: PostgresConnection) throws -> [Line] {
        let parser = JSONParser()
        return try database.query(
            """
            select r.instance, r.object::text
            from resource r join environment e on e.cluster = r.cluster and e.namespace = r.namespace
            where e.project = $1 and e.environment = $2 and e.state <> 'deleted' and r.kind = 'Pod' and not r.gone
                and r.object is not null and ($3::text is null or r.instance = $3)
            order by r.instance nulls last, r.name
            """,
            [.text(parts[0]), .text(parts[1]), .optionalText(parts.count == 3 ? parts[2] : nil)]
        ).flatMap { row in
            let instance = try row.optionalString(0)
            return try ContainerList.rows(ofPod: Array(try row.string(1).utf8), parser: parser).map {
                Line(
                    instance: instance,
                    pod: $0.pod,
                    container: $0.container,
                    role: $0.role.rawValue,
                    state: $0.state,
                    ready: $0.isReady,
                    restarts: $0.restarts,
                    image: $0.image,
                    node: $0.node,
                    address: $0.address,
                    started: $0.started
                )
            }
        }
    }
}
