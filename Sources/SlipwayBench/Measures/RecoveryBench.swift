import Foundation
import Postgres
import WorkerRuntime

/// How fast the hot path is again after a fault: two workers of one lane, a producer that keeps them busy.
///
/// The rate before is that of twenty seconds. It has recovered with the first second that reaches four fifths of it (single
/// seconds differ by about as much without a fault) and begins ten seconds that reach nine tenths; the rate after is that of
/// twenty seconds from there. Before the first fault the mock broker's partitions are filled, since it is slower with full ones.
enum RecoveryBench {
    private static let filled = 500_000
    private static let before = 20.0
    private static let (first, after) = (10.0, 20.0)
    private static let longest = 45.0
    private static let (shareOfSecond, shareOfAll) = (0.8, 0.9)

    static func run() throws -> [Sample] {
        let world = try BenchWorld()
        let workers = try (1...2).map { _ in try start(world) }
        try world.start("outbox-relay")
        let load = try RecoveryLoad(world)
        defer { load.close() }
        try load.run(until: { load.consumed > filled }, atMost: 120)
        var killed = workers[0]
        var samples: [Sample] = []
        for fault in RecoveryFault.allCases {
            try load.run(until: { false }, atMost: before)
            let rate = load.rate(of: before, until: .now)
            killed = try fault.play(on: world, worker: killed) { try start(world) }
            let ended = ContinuousClock.now
            var recovered: ContinuousClock.Instant?
            try load.run(
                until: {
                    recovered = load.first(after: ended) { begin in
                        load.rate(of: 1, until: begin + .seconds(1)) >= rate * shareOfSecond
                            && load.rate(of: first, until: begin + .seconds(first)) >= rate * shareOfAll
                    }
                    return recovered != nil
                },
                atMost: longest
            )
            if let recovered {
                try load.run(until: { ContinuousClock.now > recovered + .seconds(after) }, atMost: after)
            }
            samples += report(fault, rate, ended: ended, recovered: recovered, load)
        }
        return samples
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
        _ rate: Double,
        ended: ContinuousClock.Instant,
        recovered: ContinuousClock.Instant?,
        _ load: RecoveryLoad
    ) -> [Sample] {
        let name = "recovery, \(fault.rawValue)"
        guard let recovered else {
            let last = load.rate(of: after, until: .now)
            return [
                Sample("\(name): before", rate, "messages/s"),
                Sample("\(name): not within \(longest) s", .nan, "s"),
                Sample("\(name): rate of the last seconds, of that before", last / rate * 100, "%"),
            ]
        }
        let rateAfter = load.rate(of: after, until: recovered + .seconds(after))
        return [
            Sample("\(name): before", rate, "messages/s"),
            Sample("\(name): recovered after", (recovered - ended).seconds, "s", digits: 1),
            Sample("\(name): rate after, of that before", rateAfter / rate * 100, "%"),
        ]
    }
}

/// What befalls the fleet.
private enum RecoveryFault: String, CaseIterable {
    case databaseRestarted = "PostgreSQL restarted as after a crash"
    case backendsTerminated = "its backends terminated"
    case connectionsUsedUp = "its connections used up for 4 s"
    case workerKilled = "a worker killed and started again"
    case workerKilledRepeatedly = "a worker killed four times within 8 s"

    /// Plays the fault; returns the worker that is killed next.
    func play(on world: BenchWorld, worker: Int32, start: () throws -> Int32) throws -> Int32 {
        var worker = worker
        switch self {
        case .databaseRestarted: try world.server.restart(immediate: true)
        case .backendsTerminated: try world.server.terminateSessions(of: BenchWorld.databaseName)
        case .connectionsUsedUp: try world.server.useUpConnections(of: BenchWorld.databaseName, for: .seconds(4))
        case .workerKilled:
            kill(worker, SIGKILL)
            worker = try start()
        case .workerKilledRepeatedly:
            for _ in 1...4 {
                kill(worker, SIGKILL)
                worker = try start()
                Thread.sleep(forTimeInterval: 2)
            }
        }
        return worker
    }
}

/// Keeps the workers busy and notes how far they are, also while the database is away.
private final class RecoveryLoad {
    private let world: BenchWorld
    private let load: LoadAhead
    private var monitor: PostgresConnection?
    private var points: [(at: ContinuousClock.Instant, count: Int)] = []
    private(set) var consumed = 0

    init(_ world: BenchWorld) throws {
        self.world = world
        load = try LoadAhead(world)
    }

    func close() {
        load.close()
        monitor?.close()
    }

    /// Loads and looks until the condition holds, which is asked every 50 ms, or so many seconds are over.
    func run(until isDone: () -> Bool, atMost seconds: Double) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            look()
            try load.fill(beyond: consumed, pause: .milliseconds(50))
            if isDone() { return }
        }
    }

    private func look() {
        do {
            let connection = try monitor ?? PostgresConnection(PostgresConfiguration(url: world.url))
            monitor = connection
            let sum = "select coalesce(sum(consumed), 0)::bigint from partition_claim"
            consumed = Int(try connection.query(sum).only().int64(0))
            points.append((.now, consumed))
        } catch {
            monitor?.close()
            monitor = nil
        }
    }

    /// The rate of the seconds up to a time.
    func rate(of seconds: Double, until end: ContinuousClock.Instant) -> Double {
        let range = points.filter { $0.at > end - .seconds(seconds) && $0.at <= end }
        guard let first = range.first, let last = range.last, last.at > first.at else { return 0 }
        return Double(last.count - first.count) / (last.at - first.at).seconds
    }

    /// The first look after a time that was at least ten seconds ago and for which a condition holds.
    func first(
        after time: ContinuousClock.Instant,
        where holds: (ContinuousClock.Instant) -> Bool
    ) -> ContinuousClock.Instant? {
        points.lazy.map(\.at).first { $0 >= time && .now - $0 > .seconds(10) && holds($0) }
    }
}
