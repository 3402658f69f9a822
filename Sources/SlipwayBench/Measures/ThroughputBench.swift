import Foundation
import Kafka
import Postgres
import WorkerRuntime

/// Kafka → fenced upsert, health, roll-up, outbox → Kafka, through the real executables, with a backlog to work off.
enum ThroughputBench {
    static func run(count: Int, lanes: Int) throws -> [BenchReport.Row] {
        let world = try BenchWorld()
        try preload(count, world)
        try world.start("resource-worker", [], ["SLIPWAY_LANES": String(lanes)])
        try world.start("outbox-relay")
        var began: ContinuousClock.Instant?
        var consumedAt: ContinuousClock.Instant?
        let limit = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < limit {
            let row = try world.database.query(
                "select coalesce(sum(consumed), 0)::bigint, (select count(*) from (select 1 from outbox limit 1) o) from partition_claim"
            ).only()
            let consumed = try row.int64(0)
            if began == nil, consumed > 0 { began = .now }
            if consumedAt == nil, consumed >= Int64(count) { consumedAt = .now }
            if let began, let consumedAt, try row.int64(1) == 0 {
                return rows(count, lanes, took: .now - began, consuming: consumedAt - began, world)
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw StartError("The round with \(lanes) lanes did not end within 300 s.")
    }

    private static func preload(_ count: Int, _ world: BenchWorld) throws {
        var load = ResourceLoad(fleetKey: try world.fleetKey)
        var settings = world.kafka
        settings.properties["linger.ms"] = "50"
        let producer = try KafkaProducer(settings)
        for index in 0..<count {
            var record = load.next()
            // Evenly, because the mock broker forgets what is over 5 MiB of a partition; a namespace stays in one.
            record.partition = Int32(index % ResourceLoad.namespaces % BenchWorld.partitions)
            while true {
                do {
                    try producer.send(record, tag: UInt64(index))
                    break
                } catch {
                    guard error.isQueueFull else { throw error }
                    _ = producer.poll(timeout: .milliseconds(20))
                }
            }
            if index % 1000 == 0 { _ = producer.poll(timeout: .zero) }
        }
        _ = try producer.flush(timeout: .seconds(60))
        producer.close()
    }

    private static func rows(
        _ count: Int,
        _ lanes: Int,
        took: Duration,
        consuming: Duration,
        _ world: BenchWorld
    ) -> [BenchReport.Row] {
        let name = "end to end, \(lanes) lane\(lanes == 1 ? "" : "s")"
        var rows = [
            BenchReport.Row("\(name): consumed and published", Double(count) / took.seconds, "messages/s"),
            BenchReport.Row("\(name): consumed", Double(count) / consuming.seconds, "messages/s"),
        ]
        for usage in world.usage() {
            rows.append(.init("\(name): CPU of \(usage.name)", usage.cpu, "s", digits: 1))
            if usage.peak > 0 { rows.append(.init("\(name): peak memory of \(usage.name)", usage.peak, "MiB")) }
        }
        return rows
    }
}
