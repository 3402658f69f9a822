import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What the state does not allow is answered with the field that is wrong.
@Suite struct RequestRejectionTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let type: String
        let key: String
        let body: String
        let code: String
        let field: String
        var testDescription: String { "\(type): \(code)" }
    }

    static let upgrade = #"{"project":"shop","environment":"staging","instance":"none","version":"1.0.0"}"#
    static let cases: [Case] = [
        Case(
            type: "project.create",
            key: "shop",
            body: #"{"project":"shop"}"#,
            code: "already_exists",
            field: "project"
        ),
        Case(type: "cluster.register", key: "c1", body: #"{"cluster":"c1"}"#, code: "already_exists", field: "cluster"),
        Case(
            type: "application.create",
            key: "none",
            body: #"{"project":"none","application":"web"}"#,
            code: "unknown_project",
            field: "project"
        ),
        Case(
            type: "application.create",
            key: "shop",
            body: #"{"project":"shop","application":"web"}"#,
            code: "already_exists",
            field: "application"
        ),
        Case(
            type: "environment.create",
            key: "none/dev",
            body: #"{"project":"none","environment":"dev","cluster":"c1"}"#,
            code: "unknown_project",
            field: "project"
        ),
        Case(
            type: "environment.create",
            key: "shop/dev",
            body: #"{"project":"shop","environment":"dev","cluster":"c9"}"#,
            code: "unknown_cluster",
            field: "cluster"
        ),
        Case(
            type: "environment.create",
            key: "shop/staging",
            body: #"{"project":"shop","environment":"staging","cluster":"c1"}"#,
            code: "already_exists",
            field: "environment"
        ),
        Case(
            type: "environment.create",
            key: "shop/dev",
            body: #"{"project":"shop","environment":"dev","cluster":"c1","namespace":"shop-staging"}"#,
            code: "already_exists",
            field: "namespace"
        ),
        Case(
            type: "autodeploy.create",
            key: "shop/none",
            body: #"{"project":"shop","environment":"none","application":"web","instance":"web"}"#,
            code: "unknown_environment",
            field: "environment"
        ),
        Case(
            type: "autodeploy.create",
            key: "shop/staging",
            body: #"{"project":"shop","environment":"staging","application":"api","instance":"api"}"#,
            code: "unknown_application",
            field: "application"
        ),
        Case(
            type: "instance.deploy",
            key: "shop/none",
            body: #"{"project":"shop","environment":"none","application":"web","instance":"web","version":"1.0.0"}"#,
            code: "unknown_environment",
            field: "environment"
        ),
        Case(
            type: "instance.deploy",
            key: "shop/staging",
            body: #"{"project":"shop","environment":"staging","application":"api","instance":"web","version":"1.0.0"}"#,
            code: "unknown_application",
            field: "application"
        ),
        Case(
            type: "instance.deploy",
            key: "shop/staging",
            body: CommandWorld.deployment("7.0.0"),
            code: "unknown_version",
            field: "version"
        ),
        Case(type: "instance.upgrade", key: "shop/staging", body: upgrade, code: "unknown_instance", field: "instance"),
    ]

    @Test(arguments: cases)
    func `what cannot be done is rejected with the field and changes nothing`(bad: Case) throws {
        let before = try world.text("select count(*) from command")
        guard case .rejected(let reason) = try world.request(bad.type, key: bad.key, bad.body, as: "root")
        else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == bad.code)
        #expect(reason.field == bad.field)
        let answer = try #require(try world.published().first)
        #expect(answer["state"] == "rejected")
        #expect(answer["reason.code"] == bad.code)
        #expect(answer["reason.field"] == bad.field)
        #expect(answer["command"] == nil)
        #expect(answer.key == bad.key)
        #expect(try world.text("select count(*) from command") == before)
    }

    @Test
    func `another application does not replace an instance's`() throws {
        try world.deploy()
        try world.request("application.create", key: "shop", #"{"project":"shop","application":"api"}"#)
        try world.publishVersion("1.0.0", of: "api")
        let body = #"{"project":"shop","environment":"staging","application":"api","instance":"web","version":"1.0.0"}"#
        guard case .rejected(let reason) = try world.request("instance.deploy", key: "shop/staging", body) else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "other_application")
        #expect(try world.states() == ["sent 2"])
    }

    @Test func `an environment that is not active takes no deployment`() throws {
        try world.request(
            "environment.create",
            key: "shop/dev",
            #"{"project":"shop","environment":"dev","cluster":"c1"}"#
        )
        let body = #"{"project":"shop","environment":"dev","application":"web","instance":"web","version":"1.0.0"}"#
        guard case .rejected(let reason) = try world.request("instance.deploy", key: "shop/dev", body) else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "environment_not_active")
    }

    @Test func `an environment that could not be made may be asked for again`() throws {
        let body = #"{"project":"shop","environment":"dev","cluster":"c1"}"#
        try world.request("environment.create", key: "shop/dev", body)
        try world.report("failed", of: try world.lastCommand(), #""code":"forbidden","message":"No.""#)
        #expect(try world.text("select state from environment where environment = 'dev'") == "failed")
        #expect(try world.request("environment.create", key: "shop/dev", body) == .applied)
        try world.report("applied", of: try world.lastCommand(), #""objects":[]"#)
        #expect(try world.text("select state from environment where environment = 'dev'") == "active")
        #expect(try world.text("select coalesce(reason_code, '') from environment where environment = 'dev'") == "")
        let states = try world.published("environment.status").map { "\($0["state"] ?? "") \($0["revision"] ?? "")" }
        #expect(states == ["creating 3", "failed 4", "creating 5", "active 6"])
    }

    @Test func `a failed environment cannot be made again in a namespace that another has`() throws {
        try world.request(
            "environment.create",
            key: "shop/dev",
            #"{"project":"shop","environment":"dev","cluster":"c1"}"#
        )
        try world.report("failed", of: try world.lastCommand(), #""code":"forbidden","message":"No.""#)
        let taken = #"{"project":"shop","environment":"dev","cluster":"c1","namespace":"shop-staging"}"#
        guard case .rejected(let reason) = try world.request("environment.create", key: "shop/dev", taken) else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "already_exists")
    }

    @Test func `each answer names who was verified to have asked, so that nobody answers for another`() throws {
        _ = try world.published()
        for caller in ["mallory", "", "olga"] {
            let body = CommandWorld.deployment("1.0.0")
            try world.request("instance.deploy", key: "shop/staging", body, id: "same", as: caller)
        }
        let results = try world.published("deployment.results")
        #expect(results.map(\.name) == ["rejected", "rejected", "accepted", "sent"])
        #expect(results.map { $0["request.id"] } == Array(repeating: "same", count: 4))
        #expect(results.map { $0["request.caller"] } == ["mallory", nil, "olga", "olga"])
    }
}
