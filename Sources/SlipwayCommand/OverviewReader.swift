import ArgumentParser
import Foundation
import Postgres

/// An environment as `slipway overview` shows it; the members are columns of the view `environment_overview`.
struct EnvironmentLine: Decodable {
    let project: String
    let environment: String
    let displayName: String?
    let group: String?
    let state: String
    let reason: String?
    let cluster: String
    let agent: String
    let connected: Bool
    let namespace: String
    let running: Int
    let operating: Int
    let failed: Int
    let stopped: Int
    let unhealthy: Int
    let podsReady: Int
    let podsTotal: Int
    let networks: Int
    let domains: Int
    let certificates: Int
    let configMaps: Int
    let secrets: Int
    let errors: Int
    var instances: [InstanceLine]? = []
    var objects: [ObjectLine]? = []

    /// What is in it beside instances, in words.
    var contents: String {
        let counts = [
            (networks, "network"), (domains, "domain"), (certificates, "certificate"), (configMaps, "config map"),
            (secrets, "secret"),
        ]
        return counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }.joined(separator: ", ")
    }
}

/// An instance; the members are columns of the view `instance_overview`.
struct InstanceLine: Decodable {
    let project: String
    let environment: String
    let instance: String
    let application: String
    let runningVersion: String?
    let desiredVersion: String
    let state: String
    let health: String
    let reason: String?
    let podsReady: Int
    let podsTotal: Int
    let networks: [String]
    let domains: [String]
    let openOperation: String?
    let drifted: [String]

    /// Why it is as it is, and what somebody else has changed.
    var remark: String { Drift.remark(reason, drifted) }

    /// The version, and the one that it is to be.
    var version: String {
        runningVersion == desiredVersion ? desiredVersion : "\(runningVersion ?? "-") → \(desiredVersion)"
    }
}

/// A network, domain and so on; the members are columns of the view `object_overview`.
struct ObjectLine: Decodable {
    let project: String
    let environment: String
    let kind: String
    let name: String
    let state: String
    let reason: String?
    let summary: String?
    let expires: String?
    let drifted: [String]
    let missing: [String]
    let addresses: [String]
    let nodePorts: [Int]

    /// Why it is as it is, what somebody else has changed, and what it leads to that is not there.
    var remark: String {
        let lack = missing.isEmpty ? nil : "not there: \(missing.joined(separator: ", "))"
        return [Drift.remark(reason, drifted), lack].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: "; ")
    }

    /// What it is in short, and how the cluster lets it be reached.
    var words: String {
        let places = addresses + nodePorts.map { "node port \($0)" }
        return ([summary].compactMap(\.self) + (places.isEmpty ? [] : ["at \(places.joined(separator: ", "))"]))
            .joined(separator: " ")
    }
}

/// What somebody else has changed in the cluster, in words.
enum Drift {
    static func remark(_ reason: String?, _ drifted: [String]) -> String {
        let words = drifted.isEmpty ? nil : "not as it was left: \(drifted.joined(separator: ", "))"
        return [reason, words].compactMap(\.self).joined(separator: "; ")
    }
}

/// An application in an environment; the members are columns of the view `deployment_overview`.
struct DeploymentLine: Decodable {
    let project: String
    let application: String
    let newestVersion: String?
    let environment: String
    let instance: String?
    let runningVersion: String?
    let desiredVersion: String?
    let state: String?
    let health: String?
    let updateAvailable: Bool?
}

/// Reads the views, see docs/views.md.
struct OverviewReader {
    let database: PostgresConnection
    /// The project, where one is meant.
    var project: String?
    /// The environment in it, where one is meant.
    var environment: String?

    private static let environmentOrder = #"project, "group" nulls first, position, environment"#
    private static let instanceOrder = "project, environment, instance"
    private static let objectOrder = "project, environment, kind, name"
    private static let deploymentOrder = "project, application, environment, instance"

    /// Refuses a project that there is none of, which would look like one without anything in it.
    func requireProject() throws {
        guard let project else { return }
        let found = try database.query("select from project where project = $1", [.text(project)])
        guard found.count > 0 else { throw ValidationError("There is no project '\(project)'.") }
    }

    /// The environments with what is in them.
    func environments() throws -> [EnvironmentLine] {
        var lines: [EnvironmentLine] = try rows("environment_overview", Self.environmentOrder)
        let instances = Dictionary(grouping: try instances()) { "\($0.project)/\($0.environment)" }
        let objects = Dictionary(grouping: try objects()) { "\($0.project)/\($0.environment)" }
        for index in lines.indices {
            let place = "\(lines[index].project)/\(lines[index].environment)"
            lines[index].instances = instances[place] ?? []
            lines[index].objects = objects[place] ?? []
        }
        return lines
    }

    /// The applications across the environments.
    func deployments() throws -> [DeploymentLine] {
        try rows("deployment_overview", Self.deploymentOrder)
    }

    private func instances() throws -> [InstanceLine] {
        try rows("instance_overview", Self.instanceOrder)
    }

    private func objects() throws -> [ObjectLine] {
        try rows("object_overview", Self.objectOrder)
    }

    /// The environments with what is in them, with every column of the views as a member in camel case.
    func environmentsAsJSON() throws -> [[String: Any]] {
        let instances = Dictionary(grouping: try members("instance_overview", Self.instanceOrder), by: Self.place)
        let objects = Dictionary(grouping: try members("object_overview", Self.objectOrder), by: Self.place)
        return try members("environment_overview", Self.environmentOrder).map { environment in
            var whole = environment
            // The view counts them.
            whole["instances"] = instances[Self.place(of: environment)] ?? []
            whole["objects"] = objects[Self.place(of: environment)] ?? []
            return whole
        }
    }

    /// The applications across the environments, with every column of the view.
    func deploymentsAsJSON() throws -> [[String: Any]] { try members("deployment_overview", Self.deploymentOrder) }

    private static func place(of row: [String: Any]) -> String { "\(row["project"] ?? "")/\(row["environment"] ?? "")" }

    private func rows<Line: Decodable>(_ view: String, _ order: String) throws -> [Line] {
        try members(view, order).map { members in
            // The view counts them; the command line lists them.
            let line = members.filter { $0.key != "instances" }
            return try JSONDecoder().decode(Line.self, from: JSONSerialization.data(withJSONObject: line))
        }
    }

    /// The rows of a view, by its columns in camel case.
    private func members(_ view: String, _ order: String) throws -> [[String: Any]] {
        try database.query(
            """
            select row_to_json(v)::text from (
                select * from \(view)
                where ($1::text is null or project = $1) and ($2::text is null or environment = $2)
                order by \(order)
            ) v
            """,
            [.optionalText(project), .optionalText(environment)]
        ).map { row in
            let columns = try JSONSerialization.jsonObject(with: Data(try row.string(0).utf8)) as? [String: Any] ?? [:]
            return Dictionary(uniqueKeysWithValues: columns.map { (Self.camelCase($0.key), $0.value) })
        }
    }

    private static func camelCase(_ column: String) -> String {
        let words = column.split(separator: "_")
        return words.dropFirst().reduce(words.first.map(String.init) ?? "") {
            $0 + $1.prefix(1).uppercased() + $1.dropFirst()
        }
    }
}
