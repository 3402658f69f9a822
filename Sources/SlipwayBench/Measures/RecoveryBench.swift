import Foundation
import Postgres
import WorkerRuntime

/// How the hot path goes on through faults while messages come at a steady rate: two workers of one lane, and a relay.
///
/// Rate and faults are steady because those of the benchmark whose scenarios these are
/// (hardbyte/postgresql-job-queue-benchmarking, `docs/method.md`) are: what a fleet does at most differs from minute to minute
/// by more than a fault could cost. Each fault has twenty seconds before it, and the rate after it is that of the twenty
/// seconds that begin when all should be as before: five seconds after its end, or a session and a second after the last kill.
/// Asked for are 98 % of what is offered then, and that nothing waits any more at the end of these seconds.
enum RecoveryBench {
    /// Messages a second: many times what a cluster's agents say, and as many as the mock broker can keep behind a lost worker.
    private static let rate = 8_000
    private static let (before, grace, after) = (20.0, 5.0, 20.0)
    private static let session = 6.0
    /// The share of what is offered that is asked for, in per cent.
    private static let share = 98.0
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
            let ended = try fault.play(on: world, workers: &workers) { try start(world) }
            let end = ended + .seconds(patience(with: fault) + after)
            Thread.sleep(forTimeInterval: max(0, (end - .now).seconds))
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
            [
                "SLIPWAY_KAFKA_SESSION_TIMEOUT_MS": "\(Int(session * 1000))",
                "SLIPWAY_KAFKA_MAX_POLL_INTERVAL_MS": "10000",
            ]
        )
    }

    /// How many seconds after the end of a fault all should be as before.
    private static func patience(with fault: RecoveryFault) -> Double { fault.losesWorkers ? session + 1 : grace }

    private static func report(
        _ fault: RecoveryFault,
        began: ContinuousClock.Instant,
        ended: ContinuousClock.Instant,
        _ progress: SteadyProgress
    ) -> [Sample] {
        let name = "recovery at \(rate) messages/s, \(fault.rawValue)"
        let patience = Self.patience(with: fault)
        func seconds(_ moment: ContinuousClock.Instant?) -> Double { moment.map { ($0 - ended).seconds } ?? .nan }
        func share(from begin: ContinuousClock.Instant, seconds: Double) -> Double {
            // What waited comes on top: it makes good what was missed, and says nothing of what goes on.
            min(100, progress.rate(from: begin, to: begin + .seconds(seconds)) / Double(rate) * 100)
        }
        var samples = [
            Sample("\(name): before", progress.rate(from: began - .seconds(before), to: began), "messages/s"),
            Sample(
                "\(name): from \(Int(patience)) s after its end, of what is offered",
                share(from: ended + .seconds(patience), seconds: after),
                "%",
                digits: 1,
                mark: .atLeast(self.share)
            ),
        ]
        var going: ContinuousClock.Instant? = ended
        if fault.losesWorkers {
            // What the lost worker had given to the database before may still be committed.
            going = progress.everyPartitionMoved(since: ended + .milliseconds(500))
            samples.append(
                Sample("\(name): taken over after", seconds(going), "s", digits: 1, mark: .atMost(patience))
            )
        }
        going = going.flatMap { progress.first(after: $0) { share(from: $0.at, seconds: 1) >= self.share } }
        let usualLag = progress.mostLag(before: began, seconds: before)
        return samples + [
            Sample("\(name): at that rate again after", seconds(going), "s", digits: 1, mark: .atMost(patience)),
            Sample(
                "\(name): nothing waits any more after",
                seconds(progress.caughtUp(to: usualLag, after: ended)),
                "s",
                digits: 1,
                mark: .atMost(patience + after)
            ),
        ]
    }
}
