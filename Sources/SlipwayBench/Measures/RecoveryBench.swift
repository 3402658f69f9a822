import Foundation
import Postgres
import WorkerRuntime

/// How the hot path goes on through faults while messages come at a steady rate: two workers of one lane, and a relay.
///
/// Rate and faults are steady because those of the benchmark whose scenarios these are
/// (hardbyte/postgresql-job-queue-benchmarking, `docs/method.md`) are: what a fleet does at most differs from minute to minute
/// by more than a fault could cost. Each fault has twenty seconds before it, and the rate after it is that of the twenty
/// seconds that begin five seconds after its end, by when all should be as before.
enum RecoveryBench {
    /// Messages a second: many times what a cluster's agents say, and as many as the mock broker can keep behind a lost worker.
    private static let rate = 8_000
    private static let (before, grace, after) = (20.0, 5.0, 20.0)
    /// How long to wait for what has not come by then.
    private static let longest = 60.0

    static func run() throws -> [Sample] {
        let world = try BenchWorld()
        var workers = try (1...2).map { _ in try start(world) }
        try world.start("outbox-relay")
        let load = try SteadyLoad(world, rate: rate)
        try wait(atMost: longest) { load.progress.hasCaughtUp(within: rate) }
        var samples: [Sample] = []
        for fault in RecoveryFault.allCases {
            Thread.sleep(forTimeInterval: before)
            let began = ContinuousClock.now
            try fault.play(on: world, workers: &workers) { try start(world) }
            let ended = ContinuousClock.now
            Thread.sleep(forTimeInterval: grace + after)
            try wait(atMost: longest) { load.progress.hasCaughtUp(within: rate) }
            samples += report(fault, began: began, ended: ended, load.progress)
        }
        try requireEverything(sent: try load.stop(), world)
        return samples
    }

    /// Makes sure that everything was consumed and published, over a session that no fault has ended.
    private static func requireEverything(sent: Int, _ world: BenchWorld) throws {
        let connection = try PostgresConnection(PostgresConfiguration(url: world.url))
        defer { connection.close() }
        func consumed() throws -> Int {
            Int(try connection.query("select coalesce(sum(consumed), 0)::bigint from partition_claim").only().int64(0))
        }
        try wait(atMost: longest) {
            try consumed() == sent && connection.query("select not exists (select from outbox)").only().bool(0)
        }
        guard try consumed() == sent else {
            throw StartError("Of \(sent) messages \(try consumed()) were consumed after the faults.")
        }
    }

    private static func wait(atMost seconds: Double, until isDone: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while try ContinuousClock.now < end && !isDone() { Thread.sleep(forTimeInterval: 0.05) }
    }

    private static func start(_ world: BenchWorld) throws -> Int32 {
        // A member whose session ends while it joins is never answered by the mock: its client waits for the longest time
        // between polls before it joins again.
        try world.start(
            "resource-worker",
            [],
            ["SLIPWAY_KAFKA_SESSION_TIMEOUT_MS": "6000", "SLIPWAY_KAFKA_MAX_POLL_INTERVAL_MS": "10000"]
        )
    }

    private static func report(
        _ fault: RecoveryFault,
        began: ContinuousClock.Instant,
        ended: ContinuousClock.Instant,
        _ progress: SteadyProgress
    ) -> [Sample] {
        let name = "recovery at \(rate) messages/s, \(fault.rawValue)"
        let usual = progress.rate(from: began - .seconds(before), to: began)
        let afterwards = progress.rate(from: ended + .seconds(grace), to: ended + .seconds(grace + after))
        var samples = [
            Sample("\(name): before", usual, "messages/s"),
            Sample("\(name): rate from \(Int(grace)) s after its end, of that before", afterwards / usual * 100, "%"),
        ]
        if fault.losesWorkers {
            // What the lost worker had given to the database before may still be committed.
            let lost = began + .milliseconds(500)
            let taken = progress.everyPartitionMoved(since: lost)
            samples.append(
                Sample("\(name): taken over after", taken.map { ($0 - began).seconds } ?? .nan, "s", digits: 1)
            )
        }
        let going = progress.first(after: ended) { look in
            progress.rate(from: look.at, to: look.at + .seconds(1)) >= 0.98 * usual
        }
        let usualLag = progress.mostLag(before: began, seconds: before)
        let caughtUp = progress.first(after: ended) { $0.lag <= usualLag }
        return samples + [
            Sample("\(name): at that rate again after", going.map { ($0 - ended).seconds } ?? .nan, "s", digits: 1),
            Sample("\(name): caught up after", caughtUp.map { ($0 - ended).seconds } ?? .nan, "s", digits: 1),
        ]
    }
}
