import CoreMetrics
import Dispatch
import Foundation
public import Logging
public import Postgres
import Synchronization

/// A worker's process: lanes on threads of their own, health and metrics, signals, a clean end.
public struct WorkerProcess: Sendable {
    /// The executable's name.
    public let name: String
    /// Flags and environment.
    public let settings: Settings
    /// The schema that this program knows.
    public let migrations: [PostgresMigration]
    /// Where the process writes what operators should know.
    public let logger: Logger
    /// How to reach the database.
    public let database: PostgresConfiguration
    /// The time of day.
    public let clock: WallClock
    let stop = StopSignal()

    /// Reads the configuration and prepares logging and metrics; call once a process.
    ///
    /// - Throws: ``StartError`` with one clear sentence for a wrong value.
    public init(name: String, settings: Settings, migrations: [PostgresMigration]) throws {
        self.name = name
        self.settings = settings
        self.migrations = migrations
        let level = try settings.logLevel()
        let clock = try WallClock(settings)
        self.clock = clock
        LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level, clock: clock) }
        MetricsSystem.bootstrap(PrometheusRegistry.shared)
        logger = Logger(label: name)
        var database = try settings.database(program: name)
        database.needsWrites = true
        self.database = database
        signal(SIGPIPE, SIG_IGN)
        Heap.goWithoutFastBins()
        if clock.secondsAhead != 0 {
            logger.warning("for a test, this worker's clock is wrong by \(clock.secondsAhead) s")
        }
    }

    /// Publishes the outbox in as many lanes as are configured, until SIGTERM.
    public func relayOutbox() async throws {
        var configuration = RelayConfiguration(
            topicPrefix: settings.topicPrefix,
            kafka: try settings.kafka(logger: logger),
            database: database,
            logger: logger
        )
        configuration.isTransactional = try settings.truth("RELAY_TRANSACTIONS", default: true)
        configuration.leaseDuration = .milliseconds(
            try settings.number("LEASE_MILLISECONDS", default: 10_000, in: 2_000...600_000)
        )
        configuration.clock = clock
        let relay = configuration
        let work = LaneWork(about: "publishing the outbox") { name, _, pulse in
            try OutboxRelayLane(relay, name: name, stop: stop, pulse: pulse).run()
        }
        try await runLanes([work])
    }

    /// Calls again and again with a connection until SIGTERM: for workers that follow the clock, not a topic.
    ///
    /// - Parameters:
    ///   - interval: The pause after a round that found nothing to do.
    ///   - round: One round; returns whether there was anything to do. What it throws is logged and tried again.
    public func repeatRounds(
        every interval: Duration,
        _ round: @escaping @Sendable (PostgresConnection) throws -> Bool
    ) async throws {
        let work = LaneWork(about: "a round every \(interval)") { name, _, pulse in
            try RoundLane(database: database, logger: logger, stop: stop, pulse: pulse, interval: interval).run(round)
        }
        try await runLanes([work])
    }

    /// What a lane does until the stop.
    struct LaneWork: Sendable {
        /// What it is, for the start-up line.
        let about: String
        /// Does it; takes the lane's name, its number among the lanes of this work, and the pulse that shows it is alive.
        let body: @Sendable (String, Int, LanePulse) throws -> Void

        init(about: String, _ body: @escaping @Sendable (String, Int, LanePulse) throws -> Void) {
            self.about = about
            self.body = body
        }
    }

    /// How many lanes each work has.
    var laneCount: Int {
        get throws { try settings.number("LANES", default: 1, in: 1...256) }
    }

    /// The fewest seconds: a database and a broker that are slow may keep a living lane for 30 each.
    private static let shortestStall = 60

    /// How long a lane may stand still; fewer seconds than make sense were allowed once.
    private func longestStall() throws(StartError) -> Duration {
        let given = try settings.number("STALL_SECONDS", default: 120, in: 5...3600)
        if given < Self.shortestStall {
            logger.warning(
                "SLIPWAY_STALL_SECONDS is \(given) and counts as \(Self.shortestStall): a living lane may stand so long"
            )
        }
        return .seconds(max(Self.shortestStall, given))
    }

    /// Runs each work on as many threads as there are to be lanes, and ends when all have ended.
    func runLanes(_ works: [LaneWork]) async throws {
        // What it is set to comes first: a worker that does not start has never been there.
        let count = try laneCount
        let longestStall = try longestStall()
        _ = try HealthServer.port(settings)
        let presence = WorkerPresence(name: name, instance: settings.text("INSTANCE"), clock: clock.now)
        try checkDatabase(for: presence)
        let process = "\(ProcessInfo.processInfo.hostName)-\(ProcessInfo.processInfo.processIdentifier)"
        let lanes = works.flatMap { work in (0..<count).map { (work, $0, LanePulse()) } }
        let pulses = lanes.map(\.2)
        let signals = watchSignals()
        let watchdog = Watchdog(pulses: pulses, limit: longestStall)
        watchdog.start(logger: logger)
        let health = try serveHealth(pulses)
        logger.info(
            "started: \(works.map(\.about).joined(separator: "; "))",
            metadata: ["lanes": "\(count)", "pid": "\(ProcessInfo.processInfo.processIdentifier)"]
        )
        let ended = StopSignal()
        async let absence = LaneThread.run(name: "\(process)-presence") { _ in keep(presence, until: ended) }
        var failures = await withTaskGroup(of: (any Error)?.self) { group in
            for (index, (work, number, pulse)) in lanes.enumerated() {
                let stop = stop
                group.addTask {
                    await LaneThread.run(name: "\(process)-\(index)") { name in
                        do {
                            try work.body(name, number, pulse)
                            return nil
                        } catch {
                            stop.request()
                            return error
                        }
                    }
                }
            }
            var failures: [any Error] = []
            for await failure in group {
                if let failure { failures.append(failure) }
            }
            return failures
        }
        ended.request()
        if let absence = await absence { failures.append(absence) }
        health?.cancel()
        signals.forEach { $0.cancel() }
        for failure in failures { logger.critical("a lane ended: \(failure)") }
        if let first = failures.first { throw StartError("The worker ended because of an error: \(first)") }
        logger.info("stopped cleanly")
    }

    /// Renews the process's row until its lanes have ended; returns why it cannot go on, if so.
    private func keep(_ presence: WorkerPresence, until ended: StopSignal) -> (any Error)? {
        let lane = RoundLane(
            database: database,
            logger: logger,
            stop: ended,
            pulse: LanePulse(),
            interval: WorkerPresence.period
        )
        do {
            try lane.run(
                { connection in
                    try presence.renew(on: connection)
                    return false
                },
                atEnd: { try presence.end(on: $0) }
            )
            return nil
        } catch {
            stop.request()
            return error
        }
    }

    /// Checks that this program may work with the database, and is counted among the workers before its first message.
    private func checkDatabase(for presence: WorkerPresence) throws {
        let connection: PostgresConnection
        do {
            connection = try PostgresConnection(database, logger: logger)
        } catch {
            throw StartError("The database cannot be reached: \(error). Check SLIPWAY_DATABASE_URL.")
        }
        try Installation.check(migrations, on: connection)
        try presence.renew(on: connection)
        connection.close()
    }

    /// SIGTERM and SIGINT stop cleanly; the second one ends the process at once.
    private func watchSignals() -> [any DispatchSourceSignal] {
        let signals = StopSignals(stop)
        return [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            let logger = logger
            source.setEventHandler {
                guard signals.take() == .stopCleanly else {
                    logger.warning("second signal: ending now")
                    _exit(128 + number)
                }
            }
            source.resume()
            return source
        }
    }

    private func serveHealth(_ pulses: [LanePulse]) throws -> Task<Void, Never>? {
        let stop = stop
        return try HealthServer.start(
            settings,
            logger: logger,
            isAlive: { pulses.allSatisfy { $0.age < .seconds(60) } },
            isReady: { !stop.isRequested && pulses.allSatisfy { $0.age < .seconds(15) } }
        )
    }
}
