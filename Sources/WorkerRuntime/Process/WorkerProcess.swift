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
    private let stop = StopSignal()

    /// Reads the configuration and prepares logging and metrics; call once a process.
    ///
    /// - Throws: ``StartError`` with one clear sentence for a wrong value.
    public init(name: String, settings: Settings, migrations: [PostgresMigration]) throws {
        self.name = name
        self.settings = settings
        self.migrations = migrations
        let level = try settings.logLevel()
        LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level) }
        MetricsSystem.bootstrap(PrometheusRegistry.shared)
        logger = Logger(label: name)
        database = try settings.database(program: name)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Consumes a topic in as many lanes as are configured, until SIGTERM.
    ///
    /// - Parameters:
    ///   - topic: The logical topic.
    ///   - makeHandler: Makes the handler of one lane.
    public func consume<H: Handler & SendableMetatype>(
        _ topic: String,
        batchCount: Int = 500,
        _ makeHandler: @escaping @Sendable () throws -> H
    ) async throws {
        var configuration = LaneConfiguration(
            worker: name,
            topic: topic,
            topicPrefix: settings.topicPrefix,
            kafka: try settings.kafka(logger: logger),
            database: database,
            logger: logger
        )
        configuration.instance = settings.text("INSTANCE")
        configuration.batchCount = try settings.number("BATCH_COUNT", default: batchCount, in: 1...10_000)
        configuration.retries.attempts = try settings.number("RETRY_ATTEMPTS", default: 8, in: 1...100)
        configuration.retries.queuedMessages = try settings.number("QUEUE_MESSAGES", default: 1000, in: 1...1_000_000)
        configuration.retries.firstDelay = .milliseconds(
            try settings.number("RETRY_MILLISECONDS", default: 1000, in: 10...600_000)
        )
        let lane = configuration
        try await runLanes(about: "consuming \(lane.realTopic) as group \(lane.group)") { name, pulse in
            try Lane(lane, name: name, handler: try makeHandler(), stop: stop, pulse: pulse).run()
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
        configuration.isTransactional = settings.text("RELAY_TRANSACTIONS") != "false"
        configuration.leaseDuration = .milliseconds(
            try settings.number("LEASE_MILLISECONDS", default: 10_000, in: 500...600_000)
        )
        let relay = configuration
        try await runLanes(about: "publishing the outbox") { name, pulse in
            try OutboxRelayLane(relay, name: name, stop: stop, pulse: pulse).run()
        }
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
        try await runLanes(about: "a round every \(interval)") { name, pulse in
            try RoundLane(database: database, logger: logger, stop: stop, pulse: pulse, interval: interval).run(round)
        }
    }

    /// Runs the body on one thread a lane, and ends when all have ended.
    private func runLanes(
        about work: String,
        _ body: @escaping @Sendable (String, LanePulse) throws -> Void
    ) async throws {
        let presence = WorkerPresence(name: name, instance: settings.text("INSTANCE"))
        try checkDatabase(for: presence)
        let count = try settings.number("LANES", default: 1, in: 1...256)
        let process = "\(ProcessInfo.processInfo.hostName)-\(ProcessInfo.processInfo.processIdentifier)"
        let pulses = (0..<count).map { _ in LanePulse() }
        let signals = watchSignals()
        let watchdog = Watchdog(
            pulses: pulses,
            limit: .seconds(try settings.number("STALL_SECONDS", default: 120, in: 5...3600))
        )
        watchdog.start(logger: logger)
        let health = try serveHealth(pulses)
        logger.info(
            "started: \(work)",
            metadata: ["lanes": "\(count)", "pid": "\(ProcessInfo.processInfo.processIdentifier)"]
        )
        let ended = StopSignal()
        async let absence = LaneThread.run(name: "\(process)-presence") { _ in keep(presence, until: ended) }
        var failures = await withTaskGroup(of: (any Error)?.self) { group in
            for index in 0..<count {
                let stop = stop
                group.addTask {
                    await LaneThread.run(name: "\(process)-\(index)") { name in
                        do {
                            try body(name, pulses[index])
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
        [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            let stop = stop
            let logger = logger
            source.setEventHandler {
                guard !stop.isRequested else {
                    logger.warning("second signal: ending now")
                    _exit(128 + number)
                }
                stop.request()
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
