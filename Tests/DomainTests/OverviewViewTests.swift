import Postgres
import Testing

@testable import Domain

/// The views of docs/views.md.
@Suite struct OverviewViewTests {
    @Test func `versions stand in their semantic order`() throws {
        let connection = try CommandWorld().connection
        let ordered = [
            "nightly", "0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
            "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "v1.0.1", "1.2.0", "1.10.0", "2.0.0-SNAPSHOT", "2.0.0+build.7",
        ]
        func sorted(_ versions: [String], by function: String) throws -> [String] {
            try connection.query(
                "select v from unnest($1::text[]) v order by \(function)(v)",
                [.array(.texts(versions.reversed()))]
            ).map { try $0.string(0) }
        }
        #expect(try sorted(ordered, by: "version_rank") == ordered)
        #expect(try sorted(ordered, by: "version_order") == ordered, "older workers go on with it")
        let times = [
            "1.0.0-0", "1.0.0-9", "1.0.0-10", "1.0.0-20251231235958", "1.0.0-20251231235959", "1.0.0-20260101000000",
            "1.0.0-20260101000000.1", "1.0.0-120260101000000", "1.0.0-99999999999999999999999999", "1.0.0-0a",
            "1.0.0-alpha", "1.0.0",
        ]
        #expect(try sorted(times, by: "version_rank") == times)
    }

    @Test func `the newest version is the newest by a time of 14 digits, too`() throws {
        let world = try CommandWorld.ready()
        try world.connection.script("delete from version")
        for time in ["20251231235959", "20260101000000", "20251231235958"] { try world.publishVersion("1.0.0-\(time)") }
        #expect(try world.text("select version from application_newest") == "1.0.0-20260101000000")
        let update = "select version_rank('1.0.0-20260101000000') > version_rank('1.0.0-20251231235959')"
        #expect(try world.text(update) == "true")
    }

    private func running() throws -> CommandWorld {
        let world = try CommandWorld.ready()
        try world.deploy("1.0.0")
        try world.report("applied", of: try world.lastCommand(), #""objects":[]"#)
        try world.connection.script(
            """
            update command set state = 'succeeded' where operation = 'instance.deploy';
            update instance set state = 'running', health = 'healthy', running_version = '1.0.0', open_command = null,
                pods_ready = 2, pods_total = 2
            """
        )
        return world
    }

    @Test func `an update is available where a newer release was published, not for a pre-release`() throws {
        let world = try running()
        func overview() throws -> String? {
            try world.text(
                "select concat_ws(' ', newest_version, running_version, update_available) from deployment_overview where instance = 'web'"
            )
        }
        #expect(try overview() == "1.1.0 1.0.0 t")
        try world.publishVersion("2.0.0-rc.1")
        #expect(try overview() == "1.1.0 1.0.0 t")
        try world.connection.script("update instance set running_version = '1.1.0'")
        #expect(try overview() == "1.1.0 1.1.0 f")
        try world.connection.script("update instance set running_version = '2.0.0-rc.1'")
        #expect(try overview() == "1.1.0 2.0.0-rc.1 f", "what runs is newer than the newest release")
    }

    @Test func `an application that runs nowhere, or has no version, is shown all the same`() throws {
        let world = try running()
        try world.request("application.create", key: "shop", #"{"project":"shop","application":"api"}"#)
        #expect(
            try world.text(
                "select concat_ws(' ', environment, coalesce(newest_version, 'none'), coalesce(instance, 'nowhere'), update_available) from deployment_overview where application = 'api'"
            ) == "staging none nowhere f"
        )
    }

    @Test func `an environment tells what is in it and what somebody should look at`() throws {
        let world = try running()
        let ports = #""ports":[{"port":80,"targetPort":8080}]"#
        try world.make("network.create", #""network":"front","target":{"instances":["web"]},\#(ports)"#)
        try world.make("network.create", #""network":"all","target":{"application":"web"},\#(ports)"#)
        try world.make("network.create", #""network":"other","target":{"labels":{"a":"b"}},\#(ports)"#)
        try world.make(
            "domain.create",
            #""domain":"shop","host":"shop.example","paths":[{"path":"/","network":"front","port":80}]"#
        )
        #expect(
            try world.text(
                "select concat_ws(' ', instances, running, failed, pods_ready, pods_total, networks, domains, secrets, errors, connected) from environment_overview"
            ) == "1 1 0 2 2 3 1 0 0 t"
        )
        #expect(
            try world.text(
                "select concat_ws(' ', array_to_string(networks, ','), array_to_string(domains, ','), state) from instance_overview"
            ) == "all,front shop.example running"
        )
        #expect(
            try world.text(
                "select string_agg(concat_ws(' ', kind, name, summary), '; ' order by kind, name) from object_overview"
            )
                == "domain shop shop.example; network all ClusterIP 80; network front ClusterIP 80; network other ClusterIP 80"
        )
        try world.connection.script(
            "update instance set state = 'failed'; update environment_object set state = 'failed' where name = 'other'"
        )
        #expect(try world.text("select errors from environment_overview") == "2")
    }

    @Test func `a network or domain says what it leads to that is not there, and where the cluster lets it be reached`()
        throws
    {
        let world = try running()
        func look(_ columns: String) throws -> String? {
            try world.text(
                "select string_agg(concat_ws(' ', name, \(columns)), '; ' order by name) from object_overview"
            )
        }
        let ports = #""ports":[{"port":80,"targetPort":8080}]"#
        try world.make("network.create", #""network":"front","target":{"instances":["web"]},\#(ports)"#)
        try world.make(
            "domain.create",
            #""domain":"shop","host":"shop.example","paths":[{"path":"/","network":"front","port":80}]"#
        )
        #expect(try look("missing, addresses, node_ports") == "front {} {} {}; shop {} {} {}")
        try world.connection.script(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health, object,
                changed_at)
            values ('c1', 'shop-staging', 'Service', 'front', 'v1', 'u1', 1, 1, 'healthy',
                    '{"spec":{"ports":[{"port":80,"nodePort":30080}]},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}',
                    now()),
                ('c1', 'shop-staging', 'Ingress', 'shop', 'networking.k8s.io/v1', 'u2', 1, 2, 'healthy',
                    '{"status":{"loadBalancer":{"ingress":"odd"}}}', now())
            """
        )
        #expect(try look("addresses, node_ports") == "front {192.0.2.1} {30080}; shop {} {}")
        try world.connection.script("update instance set state = 'deleted'")
        #expect(try look("missing") == #"front {"instance web"}; shop {}"#)
        try world.make("network.delete", #""network":"front","force":true"#)
        #expect(try look("missing") == #"shop {"network front"}"#)
        try world.connection.script(
            #"update environment_object set running_spec = running_spec || '{"certificate":"tls"}'"#
        )
        #expect(try look("missing") == #"shop {"certificate tls","network front"}"#)
    }

    @Test func `what was deleted is in no view`() throws {
        let world = try running()
        try world.connection.script("update instance set state = 'deleted'")
        #expect(try world.text("select count(*) from instance_overview") == "0")
        #expect(try world.text("select instances from environment_overview") == "0")
        try world.connection.script("update environment set state = 'deleted'")
        #expect(try world.text("select count(*) from environment_overview") == "0")
        #expect(try world.text("select count(*) from deployment_overview") == "0")
    }
}
