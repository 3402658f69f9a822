import Foundation
import Kafka
import Postgres
import WorkerRuntime

/// A cluster's whole state as its agent says it when it connects: each object, and each namespace's end.
///
/// Once while nothing of it is stored, and once more, as after a connection that was lost: nothing has changed but one
/// in a hundred, which are gone meanwhile. Settled is what is stored, swept and published.
enum SnapshotBench {
    private static let namespaces = 10

    static func run(objects: Int) throws -> [Sample] {
        let world = try BenchWorld()
        let each = objects / namespaces
        var load = ResourceLoad(fleetKey: try world.fleetKey)
        let first = (0..<namespaces).flatMap { load.snapshot(of: $0, objects: each) }
        let again = (0..<namespaces).flatMap { load.snapshot(of: $0, objects: each - each / 100) }
        try world.start("resource-worker")
        try world.start("outbox-relay")
        let producer = try KafkaProducer(world.kafka)
        defer { producer.close() }
        // The group's first join takes seconds on the mock broker: an empty snapshot of another namespace first.
        let before = load.snapshot(of: namespaces, objects: 0)
        _ = try settle(before, until: before.count, world, producer)
        let firstUsage = try settle(first, until: before.count + first.count, world, producer)
        let againUsage = try settle(again, until: before.count + first.count + again.count, world, producer)
        try requireStored(objects - objects / 100, world)
        return firstUsage.samples("snapshot of \(objects) objects, all new")
            + againUsage.samples("the same again, 1 % of it gone")
    }

    private struct Settled {
        let after: Double
        let usage: [Usage]

        func samples(_ name: String) -> [Sample] {
            let cpu = usage.filter { $0.name != Usage.broker }.map { process in
                Sample("\(name): CPU of \(process.name)", process.cpu, "s", digits: 2)
            }
            return [Sample("\(name): settled after", after, "s", digits: 2)]
                + [Sample("\(name): CPU without the broker", usage.cpuWithoutBroker, "s", digits: 2)] + cpu
        }
    }

    /// Sends messages and waits until all of them are consumed and everything is published.
    private static func settle(
        _ records: [KafkaRecord],
        until count: Int,
        _ world: BenchWorld,
        _ producer: KafkaProducer
    ) throws -> Settled {
        let usage = world.usage()
        let began = ContinuousClock.now
        for record in records { try producer.sendWaiting(record, tag: 0) }
        _ = try producer.flush(timeout: .seconds(60))
        let end = began + .seconds(120)
        while try world.consumed() < count || !world.isPublished() {
            guard ContinuousClock.now < end else {
                throw RoundFailed("a snapshot of \(records.count) messages was not settled within 120 s.")
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
        return Settled(after: (ContinuousClock.now - began).seconds, usage: world.usage(since: usage))
    }

    private static func requireStored(_ count: Int, _ world: BenchWorld) throws {
        let stored = try world.database.query("select count(*) from resource where not gone").only().int64(0)
        guard stored == count else {
            throw RoundFailed("of a snapshot of \(count) objects, \(stored) are stored after it.")
        }
    }
}
