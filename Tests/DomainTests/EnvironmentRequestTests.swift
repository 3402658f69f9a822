import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What owners do with projects, environments, clusters, applications and rules; and what others may not.
@Suite struct EnvironmentRequestTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    func ask(_ type: String, _ members: String = "", as caller: String = "olga") throws -> Outcome {
        let more = members.isEmpty ? "" : "," + members
        let body = #"{"project":"shop","environment":"staging"\#(more)}"#
        return try world.request(type, key: "shop/staging", body, as: caller)
    }

    func inProject(_ type: String, _ members: String, as caller: String = "olga") throws -> Outcome {
        try world.request(type, key: "shop", #"{"project":"shop",\#(members)}"#, as: caller)
    }

    func code(_ outcome: Outcome) -> String? {
        if case .rejected(let reason) = outcome { reason.code } else { nil }
    }

    func state() throws -> String? { try world.text("select state from environment") }

    @Test func `a disabled environment takes no deployments, an enabled one does again`() throws {
        #expect(try ask("environment.disable") == .applied)
        #expect(try state() == "disabled")
        #expect(code(try world.deploy()) == "environment_not_active")
        #expect(code(try ask("environment.disable")) == "environment_is_disabled")
        #expect(try ask("environment.enable") == .applied)
        #expect(try world.deploy() == .applied)
    }

    @Test func `an environment in which something is deployed is not disabled, and the answer names it`() throws {
        try world.deploy()
        guard case .rejected(let reason) = try ask("environment.disable") else {
            Issue.record("it was disabled")
            return
        }
        #expect(reason.code == "commands_under_way" && reason.sentence.contains("web"))
        #expect(try state() == "active")
    }

    @Test func `only what is disabled is deleted, unless an owner insists`() throws {
        #expect(code(try ask("environment.delete")) == "environment_is_active")
        #expect(try state() == "active")
        #expect(try ask("environment.delete", #""force":true"#) == .applied)
        #expect(try state() == "deleting")
        #expect(code(try ask("environment.delete", #""force":true"#)) == "deletion_under_way")
    }

    @Test func `a deletion takes everything with it, with tombstones, and the name can come again`() throws {
        try world.deploy()
        try world.make("config-map.create", #""configMap":"settings","data":{"color":"red"}"#)
        _ = try world.published()
        #expect(try ask("environment.delete", #""force":true"#) == .applied)
        let sent = try world.published()
        #expect(sent.contains { $0.name == "withdrawn" } && sent.contains { $0.name == "namespace_removal_requested" })
        #expect(try world.states().last?.hasPrefix("canceled") == true)
        let command = try world.connection.query("select id from command where operation = 'environment.delete'")
            .only().uuid(0)
        try world.report("applied", of: command, #""objects":[]"#)
        #expect(try state() == "deleted")
        let ended = try world.published()
        let tombstones = ended.filter { $0.name == "tombstone" }.map(\.topic)
        #expect(Set(tombstones) == ["environment.status", "instance.status", "object.status"])
        #expect(ended.contains { $0.type == "dev.cdevents.environment.deleted.0.3.0" })
        #expect(try world.text("select state from instance") == "deleted")
        #expect(code(try world.deploy()) == "unknown_environment")
        let again = #"{"project":"shop","environment":"staging","cluster":"c1"}"#
        #expect(try world.request("environment.create", key: "shop/staging", again) == .applied)
    }

    @Test func `others hear of an environment when it is there first, and of its end only then`() throws {
        func told() throws -> [String] { try world.published("cdevents").map(\.type) }
        func ask(_ verb: String, _ more: String = "") throws -> [String] {
            let body = #"{"project":"shop","environment":"dev"\#(more)}"#
            #expect(try world.request("environment.\(verb)", key: "shop/dev", body) == .applied, "\(verb)")
            return try told()
        }
        func end(_ how: String, on cluster: String) throws -> [String] {
            let more = how == "applied" ? #""objects":[]"# : #""code":"forbidden","message":"No.""#
            try world.report(how, of: try world.lastCommand(), more, cluster: cluster)
            return try told()
        }
        try world.register("c2")
        try world.connect("c2", boot: "0b000000-0000-4000-8000-000000000002", uid: "uid-2")
        for _ in 1...2 {
            #expect(try ask("create", #","cluster":"c1""#) == [])
            #expect(try end("failed", on: "c1") == [])
            #expect(try ask("update", #","displayName":"Dev""#) == [], "nobody has heard of it")
            #expect(try ask("connect", #","cluster":"c2""#) == [])
            #expect(try end("applied", on: "c2") == ["dev.cdevents.environment.created.0.3.0"])
            #expect(try ask("update", #","displayName":"Development""#) == ["dev.cdevents.environment.modified.0.3.0"])
            #expect(try ask("delete", #","force":true"#) == [])
            #expect(try end("applied", on: "c2") == ["dev.cdevents.environment.deleted.0.3.0"])
        }
        #expect(try ask("create", #","cluster":"c1""#) == [])
        #expect(try end("failed", on: "c1") == [])
        #expect(try ask("delete") == [])
        #expect(try end("applied", on: "c1") == [], "it never was there")
    }

    /// An older worker leaves what was written when the environment was asked for, or nothing.
    @Test(arguments: ["null", "false"])
    func `where an older worker made the environment others hear of its change and its end`(made: String) throws {
        try world.connection.script("update environment set was_made = \(made)")
        #expect(try ask("environment.update", #""displayName":"Staging""#) == .applied)
        #expect(try ask("environment.delete", #""force":true"#) == .applied)
        try world.report("applied", of: try world.lastCommand(), #""objects":[]"#)
        let told = try world.published("cdevents").map(\.type)
        #expect(told == ["dev.cdevents.environment.modified.0.3.0", "dev.cdevents.environment.deleted.0.3.0"])
    }

    @Test func `a member works where it is assigned, and nowhere else`() throws {
        #expect(try inProject("project.members", #""owners":["olga"],"members":["mia","max"]"#) == .applied)
        #expect(code(try world.request("instance.deploy", key: "shop/staging", body, as: "mia")) == "not_permitted")
        #expect(try ask("environment.assign", #""users":["mia"]"#) == .applied)
        #expect(try world.request("instance.deploy", key: "shop/staging", body, as: "mia") == .applied)
        #expect(code(try world.request("instance.deploy", key: "shop/staging", body, as: "max")) == "not_permitted")
        #expect(code(try ask("environment.disable", as: "mia")) == "not_permitted", "members manage no environments")
        #expect(try ask("environment.assign", #""openToMembers":true"#) == .applied)
        #expect(code(try world.request("instance.deploy", key: "shop/staging", body, as: "max")) != "not_permitted")
    }

    private var body: String { CommandWorld.deployment("1.0.0") }

    @Test func `permission that was taken away between sending and handling counts, also within one batch`() throws {
        _ = try inProject("project.members", #""owners":["olga"],"members":["mia"]"#)
        _ = try ask("environment.assign", #""users":["mia"]"#)
        let outcomes = try world.handle([
            world.message("project.members", key: "shop", #"{"project":"shop","owners":["olga"],"members":[]}"#),
            world.message("instance.deploy", key: "shop/staging", body, as: "mia"),
        ])
        #expect(outcomes.first == .applied)
        #expect(code(outcomes[1]) == "not_permitted")
        #expect(try world.text("select count(*) from environment_member") == "0")
    }

    @Test func `a stranger gets the same answer for what is there and for what is not`() throws {
        func answer(_ environment: String) throws -> String {
            let data = #"{"project":"shop","environment":"\#(environment)","instance":"web","version":"1.0.0"}"#
            guard
                case .rejected(let reason) = try world.request(
                    "instance.upgrade",
                    key: "shop/\(environment)",
                    data,
                    as: "eve"
                )
            else { return "accepted" }
            return reason.code + reason.sentence.replacing(environment, with: "x")
        }
        #expect(try answer("staging") == answer("nowhere"))
        #expect(try answer("staging").hasPrefix("not_permitted"))
    }

    @Test func `nobody is assigned who does not belong to the project, and an owner stays`() throws {
        #expect(code(try ask("environment.assign", #""users":["eve"]"#)) == "not_a_member")
        #expect(code(try inProject("project.members", #""owners":[],"members":[]"#)) == "no_owner")
    }

    @Test(arguments: ["cluster", "namespace", "code"])
    func `what never changes is refused by its name`(field: String) throws {
        #expect(code(try ask("environment.update", #""\#(field)":"other""#)) == "immutable_field")
    }

    @Test func `environments stand in groups, and fall back to the default one when theirs goes`() throws {
        #expect(try inProject("environment-group.create", #""group":"tests""#) == .applied)
        #expect(code(try inProject("environment-group.create", #""group":"tests""#)) == "already_exists")
        #expect(try ask("environment.update", #""group":"tests""#) == .applied)
        #expect(try world.text("select group_id is not null from environment") == "true")
        #expect(try inProject("environment-group.delete", #""group":"tests""#) == .applied)
        #expect(try world.text("select group_id is null from environment") == "true")
        #expect(code(try ask("environment.update", #""group":"nowhere""#)) == "unknown_environment_group")
    }

    @Test func `a cluster with environments stays, one without goes`() throws {
        func delete(_ name: String) throws -> Outcome {
            try world.request("cluster.delete", key: name, #"{"cluster":"\#(name)"}"#, as: "root")
        }
        #expect(code(try delete("c1")) == "cluster_in_use")
        try world.register("c2")
        #expect(try delete("c2") == .applied)
        #expect(code(try world.request("cluster.delete", key: "c1", #"{"cluster":"c1"}"#)) == "not_permitted")
    }

    @Test func `a disabled application is not deployed, and what runs of it can be changed`() throws {
        try world.deploy()
        #expect(try inProject("application.update", #""application":"web","enabled":false"#) == .applied)
        #expect(code(try ask("instance.upgrade", #""instance":"web","version":"1.1.0""#)) == "application_disabled")
        let other = #""instance":"other","application":"web","version":"1.0.0""#
        #expect(code(try ask("instance.deploy", other)) == "application_disabled")
        #expect(try ask("instance.configure", #""instance":"web","values":"color: blue""#) == .applied)
    }

    @Test func `an application that is deployed stays`() throws {
        try world.deploy()
        #expect(code(try inProject("application.delete", #""application":"web""#)) == "application_in_use")
        #expect(try inProject("application.create", #""application":"api""#) == .applied)
        #expect(try inProject("application.delete", #""application":"api""#) == .applied)
    }

    @Test func `a rule is switched off before it is deleted`() throws {
        let rule = #""application":"web","instance":"web""#
        #expect(try ask("autodeploy.create", rule) == .applied)
        #expect(code(try ask("autodeploy.create", rule)) == "already_exists")
        #expect(code(try ask("autodeploy.delete", #""instance":"web""#)) == "auto_deploy_enabled")
        #expect(try ask("autodeploy.update", #""instance":"web","versions":">=2.0.0""#) == .applied)
        #expect(try ask("autodeploy.disable", #""instance":"web""#) == .applied)
        #expect(try ask("autodeploy.delete", #""instance":"web""#) == .applied)
        #expect(code(try ask("autodeploy.enable", #""instance":"web""#)) == "unknown_auto_deploy")
    }

    @Test(arguments: ["default", "kube-system"])
    func `namespaces of the cluster's own are not taken`(namespace: String) throws {
        let data = #"{"project":"shop","environment":"qa","cluster":"c1","namespace":"\#(namespace)"}"#
        #expect(code(try world.request("environment.create", key: "shop/qa", data)) == "reserved_namespace")
    }
}
