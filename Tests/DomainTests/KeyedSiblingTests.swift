import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// The rules for a network, domain or certificate look at what it has to do with, not at all that its environment has.
@Suite struct KeyedSiblingTests {
    private let world: CommandWorld

    /// An environment with many networks, domains and certificates that have nothing to do with others.
    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        try world.connection.script(
            """
            insert into environment_object (environment_id, kind, name, spec, running_spec, placed, state, created_at,
                changed_at, changed_by)
                select e.id, o.kind, 'other-' || n, o.spec, null, '[]', 'running', now(), now(), 'test'
                from environment e, generate_series(1, 2000) n
                cross join lateral (values
                    ('network', jsonb_build_object('type', 'NodePort', 'target', '{"application":"web"}'::jsonb,
                        'ports', jsonb_build_array(jsonb_build_object('port', 80, 'nodePort', 30100 + n)))),
                    ('domain', jsonb_build_object('host', 'h' || n || '.example.org', 'paths', jsonb_build_array(
                        jsonb_build_object('path', '/', 'network', 'other-' || n, 'port', 80))))
                ) o(kind, spec);
            insert into application (project, application, artifact, created_at)
                select 'shop', 'other-' || n, 'other-' || n, now() from generate_series(1, 2000) n;
            insert into instance (environment_id, instance, application, cluster, namespace, desired_version, state,
                changed_at)
                select id, 'other-' || n, 'web', cluster, namespace, '1.0.0', 'running', now()
                from environment, generate_series(1, 2000) n;
            analyze;
            set enable_seqscan = off;
            set random_page_cost = 1.1;
            set plan_cache_mode = force_generic_plan
            """
        )
    }

    /// How many rows a request reads that is carried out.
    private func read(_ type: String, _ members: String) throws -> Int64 {
        let message = world.message(type, key: "shop/staging", CommandWorld.body(members))
        return try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let handler = CommandWorld.requests(world.fleetKey)
            #expect(try CommandWorld.run(handler, [message], in: transaction) == [.applied])
            return try RowsRead.count(of: ["environment_object", "application", "instance"], in: transaction)
        }
    }

    private static func network(_ name: String, nodePort: Int) -> String {
        #""network":"\#(name)","type":"NodePort","ports":[{"port":80,"nodePort":\#(nodePort)}],"#
            + #""target":{"instances":["web"]}"#
    }

    private static func domain(_ name: String, host: String, network: String) -> String {
        #""domain":"\#(name)","host":"\#(host)","paths":[{"path":"/","network":"\#(network)","port":80}]"#
    }

    @Test func `what is published again is read by its key`() throws {
        let keys = (1...10).map {
            OutboxKey(topic: ObjectStatus.topic, key: Array("shop/staging/network/other-\($0)".utf8))
        }
        let outbox = OutboxBuffer()
        let read = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try Republication.publish(keys, outbox: outbox, in: transaction)
            return try RowsRead.count(of: ["environment_object"], in: transaction)
        }
        #expect(outbox.records.count == 10)
        #expect((1..<100).contains(read))
    }

    @Test func `a network looks at those that have its node ports or addresses`() throws {
        #expect(try (1..<100).contains(read("network.create", Self.network("front", nodePort: 32_500))))
        let taken = try world.refusal("network.create", Self.network("back", nodePort: 30_107))
        #expect(taken == "node_port_taken ports[0].nodePort")
    }

    @Test func `a domain looks at those of its host and at the networks that it leads to`() throws {
        let front = Self.domain("front", host: "front.example.org", network: "other-7")
        #expect(try (1..<100).contains(read("domain.create", front)))
        let taken = try world.refusal(
            "domain.create",
            Self.domain("back", host: "h7.example.org", network: "other-8")
        )
        #expect(taken == "path_taken paths[0].path")
        let unknown = try world.refusal("domain.create", Self.domain("back", host: "b.example.org", network: "none"))
        #expect(unknown == "unknown_network paths[0].network")
    }

    @Test func `the end of a network looks at the domains that lead to it, also as they were before a change`() throws {
        #expect(try world.refusal("network.delete", #""network":"other-7""#) == "network_in_use network")
        try world.connection.script(
            """
            update environment_object
            set running_spec = spec, spec = jsonb_set(spec, '{paths,0,network}', '"other-8"')
            where kind = 'domain' and name = 'other-7'
            """
        )
        #expect(try world.refusal("network.delete", #""network":"other-7""#) == "network_in_use network")
        try world.connection.script("delete from environment_object where kind = 'domain' and name = 'other-7'")
        #expect(try (1..<100).contains(read("network.delete", #""network":"other-7""#)))
    }
}
