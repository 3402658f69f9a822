import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A state that somebody changed by hand is found, whatever it is the state of.
@Suite struct StateVerificationTests {
    private let world: CommandWorld

    /// An environment with an instance that runs, an object that is there and a rule that has fired.
    init() throws {
        world = try CommandWorld.ready()
        try world.ask("config-map.create", #""configMap":"settings","data":{"a":"b"}"#)
        try world.applied()
        try world.ask("autodeploy.create", #""application":"web","instance":"web","versions":"1.x""#)
        try world.deploy("1.0.0")
        try world.succeed(try world.lastCommand())
        try world.connection.script(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence, health, ready,
                changed_at)
            select 'c1', 'shop-staging', kind, name, 'v1', name, 'web', 1, 1, health, ready, now()
            from (values ('Deployment', 'web', 'healthy', null), ('Pod', 'web-1', 'healthy', true),
                ('Pod', 'web-2', 'progressing', false)) one(kind, name, health, ready);
            update instance set health = 'healthy', pods_ready = 1, pods_total = 2, objects = 3;
            update auto_deploy_rule set last_command = c.id, last_command_state = c.state
            from command c where c.operation = 'instance.deploy'
            """
        )
    }

    private func differences() throws -> [Difference] { try Verification.differences(on: world.connection) }

    static let breaches: [(sql: String, rule: String)] = [
        ("update environment set state = 'disabled'", "an environment is what"),
        ("update environment set state = 'failed'", "an environment is what"),
        ("update environment set state = 'deleted'", "an environment is what"),
        ("update environment set state = 'deleted'", "in an environment that is deleted"),
        (
            "update cluster set told_state = state; update environment set connected = not connected",
            "an environment is connected"
        ),
        ("update cluster set epoch = epoch + 1", "a cluster's epoch"), ("delete from agent_boot", "a cluster's epoch"),
        ("update cluster set deleted_at = now()", "a cluster that is deleted"),
        ("update instance set state = 'stopped'", "an instance is what its newest command"),
        ("update instance set running_version = '1.1.0'", "the version that runs"),
        ("update instance set settled = jsonb_set(settled, '{version}', '\"1.1.0\"')", "the version that runs"),
        ("update instance set desired_version = '1.1.0'", "the version that is wanted"),
        (
            """
            update instance set desired_version = '9.0.0', desired = jsonb_set(desired, '{version}', '"9.0.0"')
            """, "the version that is wanted"
        ),
        ("update instance set state = 'deleted'", "nothing runs"),
        ("update instance set health = 'degraded'", "as healthy as its objects"),
        ("update instance set pods_ready = 2", "as healthy as its objects"),
        ("update resource set health = 'degraded' where kind = 'Deployment'", "as healthy as its objects"),
        ("update resource set gone = true where kind = 'Pod'", "as healthy as its objects"),
        (
            "update instance set health = 'missing', objects = 0, pods_ready = 0, pods_total = 0",
            "as healthy as its objects"
        ),
        ("update environment_object set state = 'failed'", "a network, domain, config map or secret"),
        ("update environment_object set state = 'deleted'", "a network, domain, config map or secret"),
        ("update environment_object set running_spec = '{}'", "what runs is what was asked for"),
        (
            "update environment_object set state = 'deleted', running_confidential = '{\"a\":\"b\"}'",
            "nothing confidential is kept"
        ),
        ("update environment_object set kind = 'certificate', state = 'applying'", "a certificate is what"),
        (
            """
            update environment_object set kind = 'certificate', state = 'expiring', not_after = now() - interval '1 day'
            """, "a certificate is what"
        ),
        (
            "update environment_object set kind = 'certificate', state = 'expired', not_after = now() + interval '1 day'",
            "a certificate is what"
        ),
        ("update auto_deploy_rule set last_command_state = 'requested'", "a rule's newest firing"),
        ("update auto_deploy_rule set last_command = gen_random_uuid()", "a rule's newest firing"),
    ]

    @Test func `a fleet at rest has no differences`() throws {
        #expect(try differences() == [])
    }

    @Test(arguments: breaches)
    func `what was changed by hand is found`(sql: String, rule: String) throws {
        try world.connection.script(sql)
        let found = try differences()
        #expect(found.contains { $0.rule.contains(rule) }, "\(found)")
    }

    @Test func `what a former life has left counts for no instance until it changes`() throws {
        try world.connection.script(
            """
            update resource set changed_at = now(), status_at = now() - interval '1 day';
            update instance set health = 'missing', objects = 0, pods_ready = 0, pods_total = 0
            """
        )
        #expect(try differences() == [])
    }

    @Test func `an environment, its instances and objects have no differences in all that happens to them`() throws {
        func step(_ what: String, _ act: () throws -> Void) throws {
            try act()
            #expect(try differences() == [], "\(what)")
        }
        func ask(_ verb: String, _ more: String = "") throws {
            let body = #"{"project":"shop","environment":"staging"\#(more)}"#
            #expect(try world.request("environment.\(verb)", key: "shop/staging", body) == .applied, "\(verb)")
        }
        func change(_ data: String) throws {
            try world.ask("config-map.update", #""configMap":"settings","data":{"a":"\#(data)"}"#)
        }
        let failure = #""code":"forbidden","message":"No.""#
        try step("an edit is on its way") { try change("c") }
        try step("it failed") { try world.report("failed", of: try world.lastCommand(), failure) }
        try step("it was done all the same") { try world.applied() }
        try step("another edit was taken back") {
            try change("d")
            let edit = try world.lastCommand().uuidString.lowercased()
            try world.ask("command.cancel", #""command":"\#(edit)""#)
        }
        try step("an upgrade failed") {
            try world.order("upgrade", #""version":"1.1.0""#)
            try world.report("failed", of: try world.lastCommand(), failure)
        }
        try step("it is being stopped") { try world.order("stop") }
        try step("its pods are gone, and it is stopped") {
            try world.connection.script(
                """
                update resource set gone = true where kind = 'Pod';
                update instance set pods_ready = 0, pods_total = 0, objects = 1
                """
            )
            try world.succeed(try world.lastCommand())
        }
        try step("disabled") { try ask("disable") }
        try step("enabled") { try ask("enable") }
        try step("the environment is being deleted") { try ask("delete", #","force":true"#) }
        let deletion = try world.connection.query("select id from command where operation = 'environment.delete'")
        try step("that failed") { try world.report("failed", of: try deletion.only().uuid(0), failure) }
        try step("it was done all the same") {
            try world.report("applied", of: try deletion.only().uuid(0), #""objects":[]"#)
        }
        #expect(try world.text("select state from environment") == "deleted")
        try step("it comes again") { try ask("create", #","cluster":"c1""#) }
        try step("it could not be made") { try world.report("failed", of: try world.lastCommand(), failure) }
    }
}
