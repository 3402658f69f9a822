import ClusterAgent
import Foundation
import Postgres
import TestSupport
import Testing
import WorkerRuntime

@testable import Domain

/// A lane that remembers what it wrote comes to the same as one that reads everything.
@Suite struct ResourceMemoryTests {
    @Test(arguments: 1...6)
    func `lanes that remember leave the same rows as one that reads everything`(seed: UInt64) throws {
        let remembering = try ResourceWorld()
        let reading = try ResourceWorld()
        var random = SeededRandom(seed: seed)
        var load = RandomChanges()
        let lanes = [try remembering.freshHandler(), try remembering.freshHandler()]
        // Mostly one lane for a while, as partitions move now and then.
        var lane = 0
        for step in 1...60 {
            if Int.random(in: 0..<6, using: &random) == 0 { lane = 1 - lane }
            let messages = (0..<Int.random(in: 1...8, using: &random)).map { _ in load.next(&random) }
            let isLost = Int.random(in: 0..<8, using: &random) == 0
            let one = try remembering.handle(messages, by: lanes[lane], isLost: isLost)
            let other = try reading.handle(messages, by: try reading.freshHandler(), isLost: isLost)
            #expect(one.outcomes.map { "\($0)" } == other.outcomes.map { "\($0)" }, "step \(step)")
            // Objects that a snapshot found gone are told in the order in which the database has them.
            #expect(one.records.map(Self.text).sorted() == other.records.map(Self.text).sorted(), "step \(step)")
            #expect(try Self.rows(remembering) == Self.rows(reading), "step \(step)")
        }
    }

    @Test func `objects that another lane wrote are read again`() throws {
        let world = try ResourceWorld()
        let (one, other) = (try world.freshHandler(), try world.freshHandler())
        func change(_ sequence: Int64, available: Int) -> KafkaMessageView {
            AgentMessage.changed(
                AgentMessage.deployment("web", available: available),
                1,
                sequence,
                instance: "web-1"
            )
        }
        for sequence in 1...2 { try world.handle([change(Int64(sequence), available: 1)], by: one) }
        try world.handle([change(3, available: 0)], by: other)
        try world.handle([change(4, available: 1)], by: one)
        #expect(try world.objects() == ["Deployment web u1 healthy 3"])
    }

    @Test func `what a lane wrote itself is not read again`() throws {
        let world = try ResourceWorld()
        func change(_ sequence: Int64, available: Int) -> KafkaMessageView {
            let object = AgentMessage.deployment("web", available: available)
            return AgentMessage.changed(object, 1, sequence, instance: "web-1")
        }
        // A stream is remembered from the second batch on, when its row is there to be locked.
        try world.handle([change(1, available: 1)])
        try world.handle([change(2, available: 0)])
        // As nobody may: the stream keeps the lane's mark.
        try world.connection.script(
            """
            update resource set revision = 100;
            insert into resource (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence, health, changed_at)
                values ('c1', 'shop', 'StatefulSet', 'db', 'apps/v1', 'u9', 'web-1', 1, 1, 'degraded', now())
            """
        )
        try world.handle([change(3, available: 1)])
        #expect(try world.objects() == ["Deployment web u1 healthy 3", "StatefulSet db u9 degraded 0"])
        #expect(try world.instance().hasPrefix("healthy"))
    }

    @Test func `objects that a recovery renumbered are read again`() throws {
        let world = try ResourceWorld()
        try Installation.prepare(on: world.connection)
        func change(epoch: Int64, _ sequence: Int64, available: Int) -> KafkaMessageView {
            let object = AgentMessage.deployment("web", available: available)
            return AgentMessage.changed(object, epoch, sequence, instance: "web-1")
        }
        for sequence in 1...2 { try world.handle([change(epoch: 1, Int64(sequence), available: 1)]) }
        _ = try Recovery(fleetKey: try FleetKey(base64: FleetKey.random())).run(on: world.connection, isForced: true)
        try world.handle([change(epoch: Recovery.jump + 1, 1, available: 0)])
        #expect(try world.objects() == ["Deployment web u1 progressing \(Recovery.jump + 2)"])
    }

    @Test func `what is remembered has a bound, and what was forgotten is read again`() throws {
        let memory = ResourceMemory(limit: 10)
        for namespace in ["a", "b", "c"] { Self.take(4, of: namespace, into: memory) }
        let remembered = ["a", "b", "c"].map { namespace in
            Self.histories(namespace, 4).filter { memory.state(of: $0.id) != nil }.count
        }
        #expect(remembered == [0, 0, 4])
        let last = StreamID(cluster: "c", namespace: "c")
        #expect(memory.check([last], marks: [last: 7]).isEmpty)
        #expect(memory.check([last], marks: [last: 8]) == [last])
        #expect(memory.state(of: Self.histories("c", 1)[0].id) == nil)
    }

    @Test func `what an instance adds up to is not counted anew because objects were forgotten`() throws {
        let memory = ResourceMemory(limit: 10)
        func instance(_ namespace: String) -> InstanceID {
            InstanceID(stream: StreamID(cluster: "c", namespace: namespace), instance: "web")
        }
        var tallies = InstanceTallies()
        tallies.add(InstanceTallies.Group(kind: "Pod", health: .healthy), count: 4, ready: 4)
        for namespace in ["a", "b", "c"] {
            Self.take(4, of: namespace, into: memory)
            memory.note(tallies, of: instance(namespace))
        }
        #expect(memory.state(of: Self.histories("a", 1)[0].id) == nil)
        #expect(memory.tallies(of: instance("a"))?.tallies.first?.count == 4)
        // It holds only as long as nobody else writes objects of the stream.
        let first = instance("a").stream
        #expect(memory.check([first], marks: [first: 8]) == [first])
        #expect(memory.tallies(of: instance("a")) == nil)
    }

    @Test func `what instances add up to has a bound as well`() throws {
        let memory = ResourceMemory(limit: 10)
        var tallies = InstanceTallies()
        tallies.add(InstanceTallies.Group(kind: "Pod", health: .healthy), count: 4, ready: 4)
        let instances = (0..<100).map {
            InstanceID(stream: StreamID(cluster: "c", namespace: "n\($0)"), instance: "web")
        }
        for instance in instances {
            Self.take(4, of: instance.stream.namespace, into: memory)
            memory.note(tallies, of: instance)
        }
        let remembered = instances.filter { memory.tallies(of: $0) != nil }
        // Each is one of a stream, of an instance and of a sum.
        #expect((3...8).contains(remembered.count))
        #expect(remembered.last == instances.last)
    }

    /// Pods of a namespace as they are stored.
    private static func histories(_ namespace: String, _ count: Int) -> [ResourceHistory] {
        (0..<count).map { number in
            let stream = StreamID(cluster: "c", namespace: namespace)
            let state = ResourceState(
                apiVersion: "v1",
                uid: "u",
                position: StreamPosition(epoch: 1, sequence: 1),
                assessment: HealthAssessment(.healthy)
            )
            return ResourceHistory(id: ResourceID(stream: stream, kind: "Pod", name: "p\(number)"), stored: state)
        }
    }

    /// Has a memory take in a batch about the first pods of a namespace.
    private static func take(_ count: Int, of namespace: String, into memory: ResourceMemory) {
        let stream = StreamID(cluster: "c", namespace: namespace)
        #expect(memory.check([stream], marks: [:]).isEmpty)
        memory.take(histories(namespace, count), of: [stream], mark: 7)
    }

    private static func text(_ record: OutboxRecord) -> String {
        "\(record.topic) \(String(decoding: record.key, as: UTF8.self)) \(String(decoding: record.value ?? [], as: UTF8.self))"
    }

    private static func rows(_ world: ResourceWorld) throws -> [String] {
        try world.connection.query(
            """
            select to_jsonb(r)::text from resource r order by 1
            """
        ).map { try $0.string(0) }
            + world.connection.query(
                "select concat_ws(' ', instance, health, health_reason, pods_ready, pods_total, objects, revision) from instance order by 1"
            ).map { try $0.string(0) }
            + world.connection.query(
                "select concat_ws(' ', namespace, epoch, sequence, gaps, unbroken_since, snapshot_wanted) from resource_stream order by 1"
            ).map { try $0.string(0) }
    }
}

/// Changes of a few objects of two instances, with deletions, snapshots, repetitions, gaps and late messages.
private struct RandomChanges {
    private var sequence: Int64 = 0

    mutating func next(_ random: inout SeededRandom) -> KafkaMessageView {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: sequence += 2
        case 1, 2: break
        default: sequence += 1
        }
        let late = Int.random(in: 0..<10, using: &random) == 0
        let place = max(1, late ? sequence - Int64.random(in: 0...4, using: &random) : sequence)
        let name = "n\(Int.random(in: 0..<5, using: &random))"
        let instance = ["web-1", "web-1", "other", nil].randomElement(using: &random) ?? nil
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return AgentMessage.gone("Deployment", name, uid: "u1", 1, place)
        case 1: return AgentMessage.gone("Pod", name, uid: "p-\(name)", 1, place)
        case 2:
            let kind = Bool.random(using: &random) ? "Pod" : "Deployment"
            let began = max(1, place - Int64.random(in: 0...6, using: &random))
            return AgentMessage.snapshotEnded(kind, began: began, count: 1, 1, place)
        case 3: return AgentMessage.changed(AgentMessage.crashingPod(name), 1, place, instance: instance)
        case 4, 5, 6:
            let pod = AgentMessage.pod(name, isReady: Bool.random(using: &random))
            return AgentMessage.changed(pod, 1, place, instance: instance)
        default:
            let available = Int.random(in: 0...1, using: &random)
            let object = AgentMessage.deployment(name, available: available)
            return AgentMessage.changed(object, 1, place, instance: instance)
        }
    }
}
