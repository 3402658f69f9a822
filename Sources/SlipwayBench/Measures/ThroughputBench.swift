import Foundation
import Kafka
import Postgres
import WorkerRuntime

/// Kafka → fenced upsert, health, roll-up, outbox → Kafka, through the real executables, with a backlog to work off.
enum ThroughputBench {
    /// A round of a shape.
    static func measure(_ count: Int, _ shape: ThroughputShape) -> Measure {
        Measure { try settled { try run(count: count, shape) } }
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
        if shape.commitDelay > 0 { try world.delayCommits(milliseconds: shape.commitDelay) }
        var settings = ["SLIPWAY_LANES": String(shape.lanes)]
        if let batch = shape.batch { settings["SLIPWAY_BATCH_COUNT"] = String(batch) }
        for _ in 0..<shape.workers { try world.start("resource-worker", [], settings) }
        try world.start("outbox-relay")
        let progress = try Progress.follow(
            world,
            until: count,
            after: shape.warmUp(of: count),
            patience: .seconds(10)
        )
        return try samples(progress, shape, world)
    }

    private static func samples(
        _ progress: Progress,
        _ shape: ThroughputShape,
        _ world: BenchWorld
    ) throws -> [Sample] {
        let name = "end to end, \(shape.name)"
        let counted = Double(progress.count)
        let usage = world.usage(since: progress.before.usage)
        let wal = (world.walBytes - progress.before.wal) / counted
        world.stopProcesses()
        return [
            Sample(name, counted / progress.whole.seconds, "messages/s", picture: shape.picture),
            Sample("\(name): consumed", counted / progress.consuming.seconds, "messages/s"),
            Sample("\(name): WAL", wal, "bytes/message"),
            Sample("\(name): rows of objects", try world.rowsPerMessage(of: "resource"), "a message", digits: 2),
            Sample("\(name): rows of the outbox", try world.rowsPerMessage(of: "outbox"), "a message", digits: 3),
        ] + usage.cpuSamples(of: name, perMillion: counted) + usage.flatMap { $0.memorySamples(of: name) }
    }
}

/// How fast a backlog is worked off, counted from the first batch that was seen done.
struct Progress {
    /// How many messages were still to do when the clock began.
    var count = 0
    /// What had been used when the clock began.
    var before: (usage: [Usage], wal: Double) = ([], 0)
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
    /// Produces a number of messages and waits until the broker has them; returns what the next ones are made by.
    @discardableResult
    static func produce(_ count: Int, _ shape: ResourceLoad.Shape, _ world: BenchWorld) throws -> ResourceLoad {
        let key = try world.fleetKey
        var load = ResourceLoad(fleetKey: key, shape)
        var settings = world.kafka
        settings.properties["linger.ms"] = "50"
        let producer = try KafkaProducer(settings)
        defer { producer.close() }
        for index in 0..<count {
            if shape.isSentTwice, index == (count + 1) / 2 { load = ResourceLoad(fleetKey: key, shape) }
            try producer.sendWaiting(load.next(), tag: UInt64(index))
            if index % 1000 == 0 { _ = producer.poll(timeout: .zero) }
        }
        _ = try producer.flush(timeout: .seconds(60))
        return load
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
