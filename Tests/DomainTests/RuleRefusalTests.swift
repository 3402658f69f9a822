import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Rules that no other suite runs into: for each a request that breaks just this one.
@Suite struct RuleRefusalTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    /// The code of the reason for which a request is refused, and the field that it names.
    private func refusal(_ type: String, key: String, _ body: String, as caller: String) throws -> String? {
        guard case .rejected(let reason) = try world.request(type, key: key, body, as: caller) else { return nil }
        return "\(reason.code) \(reason.field ?? "")".trimmingCharacters(in: .whitespaces)
    }

    private static let sealed = try? CommandWorld.sealed("hunter2", "elsewhere", "password")

    static let ofProjects: [(type: String, members: String, reason: String)] = [
        (
            "application.update",
            #""application":"web","registry":{"server":"a b","username":"u","password":"\#(sealed ?? "")"}"#,
            "invalid_field registry.server"
        ),
        (
            "application.update", #""application":"web","registry":{"server":"r.example"}"#,
            "missing_field registry.username"
        ),
        (
            "application.update", #""application":"web","registry":{"server":"r.example","username":"u"}"#,
            "missing_field registry.password"
        ),
        (
            "application.update",
            #""application":"web","registry":{"server":"r","username":"u","password":"\#(sealed ?? "")"}"#,
            "sealed_does_not_open registry.password"
        ),
        (
            "application.update",
            #""application":"web","chart":{"name":"web","username":"u","password":"\#(sealed ?? "")"}"#,
            "missing_field chart.repository"
        ),
        (
            "application.update",
            #""application":"web","chart":{"name":"web","repository":"https://u:p@charts.example"}"#,
            "password_in_address chart.repository"
        ),
        (
            "application.update", #""application":"web","chart":{"name":"oci://u:p@r.example/web"}"#,
            "password_in_address chart.name"
        ),
        (
            "application.update", #""application":"web","chart":{"name":"web","repository":"\#(ClearText.mark)"}"#,
            "password_in_address chart.repository"
        ),
        (
            "application.update",
            #""application":"web","registry":{"server":"https://u:p@r","username":"u","password":"\#(sealed ?? "")"}"#,
            "password_in_address registry.server"
        ),
        ("application.update", #""application":"none","enabled":false"#, "unknown_application application"),
        ("application.delete", #""application":"none""#, "unknown_application application"),
        ("project.members", #""owners":["olga","mia"],"members":["mia"]"#, "invalid_field members"),
        (
            "project.members",
            #""owners":["olga"],"members":[\#((0...1000).map { "\"u\($0)\"" }.joined(separator: ","))]"#,
            "invalid_field members"
        ),
        ("environment-group.rename", #""group":"old","newName":"taken""#, "already_exists newName"),
    ]

    @Test(arguments: ofProjects)
    func `in a project`(type: String, members: String, reason: String) throws {
        for group in ["old", "taken"] {
            try world.request("environment-group.create", key: "shop", #"{"project":"shop","group":"\#(group)"}"#)
        }
        #expect(try refusal(type, key: "shop", #"{"project":"shop",\#(members)}"#, as: "olga") == reason)
    }

    static let ofClusters: [(type: String, cluster: String, members: String, reason: String)] = [
        ("cluster.update", "c1", #","public":true,"projects":["shop"]"#, "invalid_field projects"),
        ("cluster.update", "c1", #","projects":["none"]"#, "unknown_project projects"),
        ("cluster.update", "c9", #","name":"nine""#, "unknown_cluster cluster"),
        ("cluster.delete", "c9", "", "unknown_cluster cluster"),
    ]

    @Test(arguments: ofClusters)
    func `of a cluster`(type: String, cluster: String, members: String, reason: String) throws {
        let body = #"{"cluster":"\#(cluster)"\#(members)}"#
        #expect(try refusal(type, key: cluster, body, as: "root") == reason)
    }

    static let ofEnvironments: [(type: String, members: String, reason: String)] = [
        (
            "autodeploy.create",
            #""application":"web","instance":"web","versions":"*","name":"\#(String(repeating: "x", count: 51))""#,
            "invalid_field name"
        ),
        ("autodeploy.create", #""application":"web","instance":"web","name":"two\nlines""#, "invalid_field name"),
        ("autodeploy.create", #""application":"web","instance":"web","name":"nightly""#, "already_exists name"),
        ("command.cancel", #""command":"00000000-0000-4000-8000-000000000000""#, "unknown_command command"),
        ("config-map.update", #""configMap":"none","data":{"a":"b"}"#, "unknown_config_map configMap"),
        (
            "secret.update", #""secret":"none","data":{"password":"\#(sealed ?? "")"}"#,
            "unknown_secret secret"
        ),
        (
            "network.create",
            #""network":"n","target":{"instances":["web"]},"ports":[{"port":80}],"externalIPs":[\#((0...64).map { "\"10.0.0.\($0)\"" }.joined(separator: ","))]"#,
            "invalid_field externalIPs"
        ),
    ]

    @Test(arguments: ofEnvironments)
    func `in an environment`(type: String, members: String, reason: String) throws {
        try world.ask("autodeploy.create", #""application":"web","instance":"other","name":"nightly""#)
        #expect(try world.refusal(type, members) == reason)
    }

    static let ofInstances: [(type: String, members: String, reason: String)] = [
        ("deploy", #""instance":"web","application":"web","version":"1.1.0","mode":"new""#, "already_exists instance"),
        (
            "deploy", #""instance":"none","application":"web","version":"1.1.0","mode":"replace""#,
            "unknown_instance instance"
        ),
        ("deploy", #""application":"web","version":"1.1.0","mode":"replace""#, "missing_field instance"),
        ("upgrade", #""instance":"none","version":"1.1.0""#, "unknown_instance instance"),
        ("configure", #""instance":"none","values":"a: 1""#, "unknown_instance instance"),
        ("redeploy", #""instance":"none""#, "unknown_instance instance"),
        ("restart", #""instance":"none""#, "unknown_instance instance"),
        ("stop", #""instance":"none""#, "unknown_instance instance"),
        ("start", #""instance":"none""#, "unknown_instance instance"),
        ("delete", #""instance":"none""#, "unknown_instance instance"),
        ("scale", #""instance":"none","replicas":2"#, "unknown_instance instance"),
        ("rollback", #""instance":"none""#, "unknown_instance instance"),
        ("rollback", #""instance":"web","version":"1.0.0","revision":1"#, "invalid_field revision"),
        ("rollback", #""instance":"web","revision":0"#, "invalid_field revision"),
        ("rollback", #""instance":"web","revision":77"#, "no_rollback_target revision"),
        ("rollback", #""instance":"web","revision":2"#, "no_rollback_target revision"),
        ("rollback", #""instance":"web","version":"9.9.9""#, "no_rollback_target version"),
    ]

    /// An instance whose first deployment succeeded and whose second one failed.
    private func makeInstance() throws {
        try world.deploy("1.0.0")
        try end("succeeded", "running")
        try world.ask("instance.upgrade", #""instance":"web","version":"1.1.0""#)
        try end("failed", "failed")
    }

    private func end(_ command: String, _ instance: String) throws {
        try world.connection.script(
            """
            update command set state = '\(command)' where state = 'sent';
            update deployment set outcome = '\(command)' where outcome is null;
            update instance set state = '\(instance)', open_command = null
            """
        )
    }

    @Test(arguments: ofInstances)
    func `of an instance`(type: String, members: String, reason: String) throws {
        try makeInstance()
        #expect(try world.refusal("instance.\(type)", members) == reason)
    }

    @Test func `an instance that is being deleted is not deleted again`() throws {
        try makeInstance()
        #expect(try world.ask("instance.delete", #""instance":"web""#) == .applied)
        #expect(try world.refusal("instance.delete", #""instance":"web""#)?.hasPrefix("being_deleted") == true)
    }

    @Test func `a fleet without keys takes no confidential value`() throws {
        let handler = DeploymentRequestHandler(
            fleetKey: world.fleetKey,
            timers: CommandTimers(),
            callers: NamedCallers(),
            permissions: Permissions(administrators: ["root"])
        )
        let password = try #require(Self.sealed)
        let messages = [
            world.message(
                "application.update",
                key: "shop",
                #"{"project":"shop","application":"web","registry":{"server":"r","username":"u","password":"\#(password)"}}"#
            ),
            world.message(
                "secret.create",
                key: "shop/staging",
                CommandWorld.body(#""secret":"keys","type":"Opaque","data":{"password":"\#(password)"}"#)
            ),
        ]
        let outcomes = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try CommandWorld.run(handler, messages, in: transaction)
        }
        let codes = outcomes.map { outcome in if case .rejected(let reason) = outcome { reason.code } else { "" } }
        #expect(codes == ["sealing_not_set_up", "sealing_not_set_up"])
    }

    @Test func `a log of a pod without a container is refused`() throws {
        let body = #"{"project":"shop","environment":"staging","pod":"web-0"}"#
        let wanted = try JSONDecoder().decode(RequestContainerLogs.self, from: Data(body.utf8))
        #expect(throws: Reason(code: "unknown_container", sentence: "The pod 'web-0' has no container.", field: "pod"))
        {
            try wanted.choose([])
        }
    }
}
