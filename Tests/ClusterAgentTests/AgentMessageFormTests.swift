import ClusterAgent
import Domain
import Foundation
import Testing

/// What the agent writes is what the fleet's types read.
struct AgentMessageFormTests {
    @Test func `every statement decodes as the fleet reads it`() throws {
        var world = SessionWorld()
        world.pass(seconds: 0.1)
        world.catchUp()
        world.welcome()
        world.read(.work(.release(.web())))
        world.pass(seconds: 1)
        world.read(.work(.namespace(.staging())))
        world.pass(seconds: 1)
        world.read(.work(.release(.web(generation: 2))))
        world.pass(seconds: 2)
        func decode<T: Decodable>(_ type: T.Type, _ word: String) throws -> T {
            let body = try #require(world.statements(word).last)
            return try JSONDecoder().decode(type, from: Data(body.message.data))
        }
        let hello = try decode(AgentHello.self, "hello")
        #expect(hello == AgentHello(boot: "boot-1", clusterUID: "uid-1", agentVersion: AgentSession.agentVersion))
        #expect(try decode(AgentHeartbeat.self, "heartbeat").boot == "boot-1")
        #expect(try decode(AgentAcknowledged.self, "acknowledged") == AgentAcknowledged(command: "c-2", generation: 2))
        #expect(try decode(AgentFailed.self, "failed").code == "namespace_missing")
        let applied = try decode(AgentApplied.self, "applied")
        #expect(applied.command == "c-2")
        let present = world.cluster.objects(of: .release(namespace: "shop-staging", instance: "web-1"))
        #expect(applied.objects.map(\.uid) == present.map(\.uid))
        #expect(applied.objects.map(\.generation) == [1, 0])
    }
}
