import ArgumentParser
import Foundation
import Postgres

struct Overview: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the environments and what runs in them, from the database."
    )

    @Option(help: "Only this project.")
    var project: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    struct Environment: Encodable {
        let project: String
        let environment: String
        let state: String
        let cluster: String
        let agent: String
        let connected: Bool
        let displayName: String?
        let group: String?
        let namespace: String
        var instances: [Instance]
    }

    struct Instance: Encodable {
        let instance: String
        let application: String
        let version: String
        let desiredVersion: String
        let state: String
        let health: String
        let pods: String
        let reason: String?
    }

    func run() throws {
        let database = try connection.connect()
        let environments = try read(database)
        database.close()
        if output.json { return try printJSON(environments) }
        let terminal = Terminal()
        if environments.isEmpty {
            terminal.line("there is no environment yet; 'slipway send environment.create' makes one")
        }
        for place in environments {
            terminal.line(
                "\(terminal.paint("\(place.project)/\(place.environment)", .bold))  \(terminal.state(place.state))  "
                    + "cluster \(place.cluster) (\(terminal.state(place.agent)))  namespace \(place.namespace)"
            )
            let rows = place.instances.map {
                ["  " + $0.instance, $0.application, $0.version, $0.state, $0.health, $0.pods, $0.reason ?? ""]
            }
            terminal.table(["  INSTANCE", "APPLICATION", "VERSION", "STATE", "HEALTH", "PODS", "REASON"], rows)
            if rows.isEmpty { terminal.line("  nothing is deployed") }
        }
    }

    private func read(_ database: PostgresConnection) throws -> [Environment] {
        var environments = try database.query(
            """
            select e.project, e.environment, e.state, e.cluster, c.state, e.namespace, e.display_name, g.name
            from environment e join cluster c on c.cluster = e.cluster
            left join environment_group g on g.id = e.group_id
            where ($1::text is null or e.project = $1) and e.state <> 'deleted'
            order by e.project, g.name nulls first, e.position, e.environment
            """,
            [.optionalText(project)]
        ).map {
            Environment(
                project: try $0.string(0),
                environment: try $0.string(1),
                state: try $0.string(2),
                cluster: try $0.string(3),
                agent: try $0.string(4),
                connected: try $0.string(4) == "connected",
                displayName: try $0.optionalString(6),
                group: try $0.optionalString(7),
                namespace: try $0.string(5),
                instances: []
            )
        }
        let instances = try database.query(
            """
            select e.project, e.environment, i.instance, i.application, i.running_version, i.desired_version, i.state,
                i.health, i.pods_ready, i.pods_total, coalesce(c.reason, i.health_reason)
            from instance i join environment e on e.id = i.environment_id
            left join lateral (
                select reason from command where instance_id = i.id and reason is not null and i.state = 'failed'
                order by generation desc limit 1) c on true
            where i.state <> 'deleted'
            order by e.project, e.environment, i.instance
            """
        )
        for row in instances {
            let (project, name) = (try row.string(0), try row.string(1))
            guard let index = environments.firstIndex(where: { $0.project == project && $0.environment == name }) else {
                continue
            }
            let (running, desired) = (try row.optionalString(4), try row.string(5))
            environments[index].instances.append(
                Instance(
                    instance: try row.string(2),
                    application: try row.string(3),
                    version: running == desired ? desired : "\(running ?? "-") → \(desired)",
                    desiredVersion: desired,
                    state: try row.string(6),
                    health: try row.string(7),
                    pods: "\(try row.int32(8))/\(try row.int32(9))",
                    reason: try row.optionalString(10)
                )
            )
        }
        return environments
    }
}
