import Foundation
import Kafka
import Postgres
import WorkerRuntime

/// Kafka → fenced upsert, health, roll-up, outbox → Kafka, through the real executables, with a backlog to work off.
enum ThroughputBench {
    /// A round of a shape.
    static func measure(_ count: Int, _ shape: ThroughputShape, once: Bool = false) -> Measure {
        Measure(once: once) { try settled { try run(count: count, shape) } }
    }

    /// Begins a round anew, at most twice, in which nothing was consumed for seconds because the group was not settled.
    ///
    /// The mock broker refuses a member that asks for its share after the leader has told them (`SyncGroup`, in
    /// librdkafka 2.0.2), and then waits for two sessions; so it goes with four lanes in one of ten rounds.
    private static func settled(_ round: () throws -> [Sample]) throws -> [Sample] {
        for times in 0..<2 {
            do {
                let samples = try round()
                return times == 0 ? samples : samples + [Sample("rounds begun anew", Double(times), "times")]
            } catch let stall as Stall {
                FileHandle.standardError.write(Data("  \(stall)\n".utf8))
            }
        }
        return try round()
    }

    private static func run(count: Int, _ shape: ThroughputShape) throws -> [Sample] {
        let world = try BenchWorld(shape.stock)
        let count = shape.load.most(of: count)
        try Backlog.produce(count, shape.load, world)
        for _ in 0..<shape.workers {
            try world.start(
                "resource-worker",
                [],
                ["SLIPWAY_LANES": String(shape.lanes), "SLIPWAY_BATCH_COUNT": String(shape.batch)]
            )
        }
        try world.start("outbox-relay")
        let progress = try Progress.follow(
            world,
            until: count,
            after: shape.warmUp(of: count),
            patience: .seconds(10)
        )
        return samples(progress, shape, world)
    }

    private static func samples(_ progress: Progress, _ shape: ThroughputShape, _ world: BenchWorld) -> [Sample] {
        let name = "end to end, \(shape.name)"
        let counted = Double(progress.count)
        var samples = [
            Sample(name, counted / progress.whole.seconds, "messages/s", picture: shape.picture),
            Sample("\(name): consumed", counted / progress.consuming.seconds, "messages/s"),
            Sample("\(name): WAL", (world.walBytes - progress.before.wal) / counted, "bytes/message"),
        ]
        let usage = world.usage(since: progress.before.usage)
        let cpu = usage.filter { $0.name != "broker" }.reduce(0) { $0 + $1.cpu } / counted * 1e6
        samples.append(
            Sample("\(name): CPU without the broker", cpu, "s/million", digits: 1)
        )
        for process in usage {
            let million = process.cpu / counted * 1e6
            samples.append(Sample("\(name): CPU of \(process.name)", million, "s/million", digits: 1))
            if process.peak > 0 {
                samples.append(Sample("\(name): peak memory of \(process.name)", process.peak, "MiB"))
            }
        }
        return samples
    }
}

/// How fast a backlog is worked off, counted from the first batch that was seen done.
struct Progress {
    /// How many messages were still to do when the clock began.
    var count = 0
    /// What had been used when the clock began.
    var before: (usage: [(name: String, cpu: Double, peak: Double)], wal: Double) = ([], 0)
    /// Until all were consumed.
    var consuming = Duration.zero
    /// Until everything was published as well.
    var whole = Duration.zero

    /// Looks until everything is consumed and published; the clock begins when so many messages are consumed.
    ///
    /// - Throws: ``Stall`` if meanwhile nothing was consumed for longer than the patience.
    static func follow(
        _ world: BenchWorld,
        until count: Int,
        after warmUp: Int = 0,
        patience: Duration = .seconds(120)
    ) throws -> Progress {
        let limit = ContinuousClock.now + .seconds(600)
        var progress = Progress()
        var began: ContinuousClock.Instant?
        var newest = (consumed: 0, at: ContinuousClock.now)
        while ContinuousClock.now < limit {
            let consumed = try world.consumed()
            if consumed != newest.consumed { newest = (consumed, .now) }
            if let began {
                if consumed < count, ContinuousClock.now - newest.at > patience { throw Stall(consumed: consumed) }
                if progress.consuming == .zero, consumed >= count { progress.consuming = .now - began }
                if progress.consuming > .zero, try world.isPublished() {
                    progress.whole = .now - began
                    return progress
                }
            } else if consumed > warmUp {
                progress.before = (world.usage(), world.walBytes)
                began = .now
                progress.count = count - consumed
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw StartError("A round did not end within 600 s.")
    }
}

/// A round in which nothing was consumed any more.
struct Stall: Error, CustomStringConvertible {
    let consumed: Int

    var description: String {
        "begun anew: after \(consumed) messages nothing was consumed for seconds, as where the group is not settled"
    }
}

/// Messages that wait before anybody consumes them.
enum Backlog {
    /// Produces a number of messages and waits until the broker has them.
    static func produce(_ count: Int, _ shape: ResourceLoad.Shape, _ world: BenchWorld) throws {
        var load = ResourceLoad(fleetKey: try world.fleetKey, shape)
        var settings = world.kafka
        settings.properties["linger.ms"] = "50"
        let producer = try KafkaProducer(settings)
        for index in 0..<count {
            var record = load.next()
            // Evenly, because the mock broker forgets what is over 5 MiB of a partition; a namespace stays in one.
            record.partition = Int32(index % shape.namespaces % BenchWorld.partitions)
            try producer.sendWaiting(record, tag: UInt64(index))
            if index % 1000 == 0 { _ = producer.poll(timeout: .zero) }
        }
        _ = try producer.flush(timeout: .seconds(60))
        producer.close()
    }
}

extension KafkaProducer {
    /// Sends, and waits while the queue is full.
    func sendWaiting(_ record: KafkaRecord, tag: UInt64) throws {
        while true {
            do {
                return try send(record, tag: tag)
            } catch {
                guard error.isQueueFull else { throw error }
                _ = poll(timeout: .milliseconds(20))
            }
        }
    }
}
