import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What networks and domains leave to their neighbours, whose names and paths are in the cluster already.
@Suite struct NetworkNeighbourTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        try world.deploy(instance: "web-2")
        _ = try world.published()
    }

    @Test func `a network does not take the Service of an instance, nor an instance that of a network`() throws {
        #expect(try world.refusal("network.create", NetworkRequestTests.network("web")) == "name_taken network")
        // A chart's Service may have any name.
        try world.connection.script(
            """
            insert into resource (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence, health,
                changed_at)
            values ('c1', 'shop-staging', 'Service', 'web-api', 'v1', 'u1', 'web', 1, 1, 'healthy', now())
            """
        )
        let network = NetworkRequestTests.network("web-api")
        guard case .rejected(let taken) = try world.ask("network.create", network) else {
            Issue.record("it was not rejected")
            return
        }
        let words = "'network' is 'web-api', and the Service 'web-api' is kept for the instance 'web'; "
        #expect(taken.code == "name_taken" && taken.sentence == words + "it should be another name.")
        #expect(try world.text("select count(*) from environment_object") == "0")
        try world.connection.script("update resource set gone = true")
        try world.make("network.create", network)
        guard case .rejected(let reason) = try world.deploy(instance: "web-api") else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "name_taken" && reason.field == "instance")
        try world.make("network.delete", #""network":"web-api""#)
        #expect(try world.deploy(instance: "web-api") == .applied)
    }

    @Test func `what was made under a taken name before goes on`() throws {
        try world.make("network.create", NetworkRequestTests.network("front"))
        try world.connection.script("update instance set instance = 'front' where instance = 'web-2'")
        try world.make("network.update", NetworkRequestTests.network("front", ports: #"{"port":81}"#))
        #expect(try world.object("network", "front") == "running 2 4")
    }

    @Test(arguments: ["sent", "failed", "timed_out"])
    func `what a domain leads to in the cluster stays, also where it is wanted to lead elsewhere`(end: String) throws {
        for name in ["front", "back"] { try world.make("network.create", NetworkRequestTests.network(name)) }
        try world.make("domain.create", NetworkRequestTests.domain("shop"))
        try world.ask("domain.update", NetworkRequestTests.domain("shop", path: "/new", network: "back"))
        if end != "sent" { try world.end(try world.lastCommand(), as: end) }
        for name in ["front", "back"] {
            #expect(try world.refusal("network.delete", #""network":"\#(name)""#) == "network_in_use network")
            let ports = NetworkRequestTests.network(name, ports: #"{"port":81}"#)
            #expect(try world.refusal("network.update", ports) == "port_in_use ports")
        }
        for path in ["/", "/new"] {
            let other = NetworkRequestTests.domain("b", path: path)
            #expect(try world.refusal("domain.create", other) == "path_taken paths[0].path")
        }
        if end == "sent" {
            try world.applied()
        } else {
            try world.make("domain.update", NetworkRequestTests.domain("shop", path: "/new", network: "back"))
        }
        #expect(try world.ask("network.delete", #""network":"front""#) == .applied)
    }
}
