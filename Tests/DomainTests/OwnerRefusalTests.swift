import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// One refusal for each rule that owners and administrators can run into, and what they can do in other states.
@Suite struct OwnerRefusalTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    private func cluster(_ type: String, _ members: String) throws -> Outcome {
        try world.request(
            "cluster.\(type)",
            key: "c2",
            #"{"cluster":"c2"\#(members.isEmpty ? "" : ",")\#(members)}"#,
            as: "root"
        )
    }

    private func code(_ outcome: Outcome) -> String? {
        if case .rejected(let reason) = outcome { reason.code } else { nil }
    }

    private func environment(_ column: String) throws -> String? {
        try world.text("select \(column) from environment where environment = 'staging'")
    }

    // MARK: Another cluster

    @Test func `an environment whose cluster has no agent moves to another cluster, and its namespace is made there`()
        throws
    {
        _ = try cluster("register", "")
        try world.connect("c2", boot: "0b000000-0000-4000-8000-000000000002", uid: "uid-2")
        #expect(try world.refusal("environment.connect", #""cluster":"c2""#) == "cluster_connected environment")
        try world.connection.script("update cluster set state = 'lost' where cluster = 'c1'")
        _ = try world.published()
        #expect(try world.ask("environment.connect", #""cluster":"c2","namespace":"shop-2""#) == .applied)
        #expect(try environment("state || ' ' || cluster || ' ' || namespace") == "creating c2 shop-2")
        #expect(try world.published("agent.commands.c2").last?.name == "namespace_requested")
        try world.report("applied", of: try world.lastCommand(), #""objects":[]"#, cluster: "c2")
        #expect(try environment("state || ' ' || connected") == "active true")
    }

    @Test func `an environment stays where something was deployed, or where it may not go`() throws {
        try world.connection.script("update cluster set state = 'lost' where cluster = 'c1'")
        #expect(try world.refusal("environment.connect", #""cluster":"c2""#) == "unknown_cluster cluster")
        _ = try cluster("register", #""projects":[]"#)
        #expect(try world.refusal("environment.connect", #""cluster":"c2""#) == "cluster_not_permitted cluster")
        #expect(try cluster("update", #""public":true"#) == .applied)
        try world.deploy()
        #expect(try world.refusal("environment.connect", #""cluster":"c2""#) == "environment_in_use environment")
        #expect(try environment("cluster") == "c1")
        #expect(try world.refusal("environment.connect", #""cluster":"C 2""#) == "invalid_name cluster")
        #expect(
            try world.refusal("environment.connect", #""cluster":"c2""#, as: "mallory")?.hasPrefix("not_permitted")
                == true
        )
    }

    @Test func `a disabled environment is enabled before it moves to another cluster`() throws {
        try world.connection.script("update environment set state = 'disabled'")
        #expect(try world.refusal("environment.connect", #""cluster":"c1""#) == "environment_is_disabled environment")
    }

    @Test func `what runs keeps its environment from being disabled`() throws {
        try world.deploy()
        try world.connection.script(
            "update command set state = 'succeeded'; update instance set state = 'running', open_command = null"
        )
        #expect(try world.refusal("environment.disable", "\"x\":1") == "environment_in_use environment")
    }

    @Test func `a cluster without its command topic is not used yet`() throws {
        struct NoTopic: TopicDirectory {
            func has(_ topic: String) -> Bool { false }
        }
        let handler = DeploymentRequestHandler(
            fleetKey: world.fleetKey,
            timers: CommandTimers(),
            callers: NamedCallers(),
            permissions: Permissions(administrators: ["root"]),
            topics: NoTopic()
        )
        let message = world.message(
            "environment.create",
            key: "shop/test",
            #"{"project":"shop","environment":"test","cluster":"c1"}"#
        )
        let outcomes = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try CommandWorld.run(handler, [message], in: transaction)
        }
        #expect(outcomes.first.flatMap(code) == "cluster_not_ready")
    }

    // MARK: Order

    @Test func `an environment moves within its group and to another`() throws {
        for name in ["test", "production"] {
            try world.request(
                "environment.create",
                key: "shop/\(name)",
                #"{"project":"shop","environment":"\#(name)","cluster":"c1"}"#
            )
        }
        func order() throws -> String? {
            try world.text(
                "select string_agg(coalesce(g.name || ':', '') || e.environment, ' ' order by g.name nulls first, e.position) from environment e left join environment_group g on g.id = e.group_id"
            )
        }
        #expect(try order() == "staging test production")
        #expect(try world.ask("environment.move", #""position":3"#) == .applied)
        #expect(try order() == "test production staging")
        #expect(try world.ask("environment.move", #""position":99"#) == .applied, "one behind the end means the end")
        #expect(try order() == "test production staging")
        #expect(try world.ask("environment.move", #""position":1"#) == .applied)
        #expect(try order() == "staging test production")
        let late = #""position":1,"group":"late""#
        #expect(try world.refusal("environment.move", late) == "unknown_environment_group group")
        try world.request("environment-group.create", key: "shop", #"{"project":"shop","group":"late"}"#)
        #expect(try world.ask("environment.move", #""position":1,"group":"late""#) == .applied)
        #expect(try order() == "test production late:staging")
        #expect(try world.ask("environment.move", #""position":2,"group":"""#) == .applied)
        #expect(try order() == "test staging production")
        #expect(try world.refusal("environment.move", #""position":0"#) == "invalid_field position")
        #expect(
            try world.refusal("environment.move", #""position":1"#, as: "mallory")?.hasPrefix("not_permitted") == true
        )
        try world.connection.script("update environment set state = 'deleting' where environment = 'staging'")
        #expect(try world.refusal("environment.move", #""position":1"#) == "environment_is_deleting environment")
    }

    // MARK: Rules, projects, instances

    @Test func `a rule that rests cannot be put to rest, and a request that changes nothing is refused`() throws {
        let rule = #""application":"web","instance":"web","versions":"^1.0""#
        #expect(try world.ask("autodeploy.create", rule) == .applied)
        #expect(try world.ask("autodeploy.disable", #""instance":"web""#) == .applied)
        #expect(try world.refusal("autodeploy.disable", #""instance":"web""#) == "auto_deploy_disabled instance")
        #expect(try world.ask("autodeploy.enable", #""instance":"web""#) == .applied)
        #expect(try world.refusal("autodeploy.enable", #""instance":"web""#) == "auto_deploy_enabled instance")
        #expect(try world.refusal("autodeploy.update", #""instance":"web""#) == "nothing_to_change")
        #expect(
            try world.refusal("autodeploy.update", #""instance":"web","versions":"newest""#) == "invalid_range versions"
        )
        #expect(try world.refusal("environment.update", "\"x\":1") == "nothing_to_change")
    }

    @Test func `a workload is named where there are several, and must be one of them`() throws {
        func choose(_ asked: String?, _ known: [String]) -> String {
            do throws(Reason) {
                return try Workload.choose(asked, among: known, of: "web")
            } catch {
                return error.code
            }
        }
        #expect(choose(nil, ["Deployment/web"]) == "Deployment/web")
        #expect(choose(nil, ["Deployment/web", "StatefulSet/db"]) == "workload_needed")
        #expect(choose(nil, []) == "workload_needed")
        #expect(choose("Deployment/db", ["Deployment/web"]) == "unknown_workload")
        #expect(choose("Deployment/db", []) == "Deployment/db", "nothing was seen yet")
    }

    @Test func `an instance is deleted by force only while its agent is away`() throws {
        try world.deploy()
        try world.connection.script(
            "update command set state = 'succeeded'; update instance set state = 'running', settled_state = 'running', open_command = null"
        )
        #expect(try world.refusal("instance.delete", #""instance":"web","force":true"#) == "agent_connected force")
        try world.connection.script("update cluster set state = 'lost'")
        #expect(try world.ask("instance.delete", #""instance":"web","force":true"#) == .applied)
        #expect(try world.text("select state from instance") == "deleted")
        #expect(
            try world.text("select reason_code from command where operation = 'instance.delete'")
                == "not_removed_from_cluster"
        )
    }

    @Test func `a deleted environment ends what was on its way, saying so`() throws {
        try world.deploy()
        #expect(try world.ask("environment.delete", #""force":true"#) == .applied)
        #expect(
            try world.text("select state || ' ' || reason_code from command where operation = 'instance.deploy'")
                == "canceled environment_deleted"
        )
    }
}
