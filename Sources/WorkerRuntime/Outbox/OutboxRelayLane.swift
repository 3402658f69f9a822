import CoreMetrics
import Foundation
public import Kafka
public import Logging
public import Postgres

/// One thread that publishes the outbox: leases shards, sends their rows in order, deletes what the broker has.
///
/// A shard has one owner at a time, by the database's clock. Its producer has a `transactional.id`, for one purpose: a
/// new owner's start makes the broker refuse what a stopped former owner still holds, so an old state can never
/// become a compacted topic's last word.
final class OutboxRelayLane {
    /// The PostgreSQL channel on which lanes wake the relay.
    static let channel = "slipway_outbox"

    let configuration: RelayConfiguration
    let stop: StopSignal
    let pulse: LanePulse
    let owner: String
    let logger: Logger
    let connection: PostgresConnection
    let metrics = RelayMetrics()
    private let leases: ShardLeases
    private let rows: OutboxRows
    private var shards: [Int: RelayShard] = [:]
    /// Keys that are to be published again, until the database has noted them.
    private var unmarked: Set<OutboxKey> = []
    private var nextLeaseVisit = ContinuousClock.now

    /// Connects to the database; producers are made as shards are leased.
    init(_ configuration: RelayConfiguration, name: String, stop: StopSignal, pulse: LanePulse) throws {
        self.configuration = configuration
        self.stop = stop
        self.pulse = pulse
        owner = name
        var logger = configuration.logger
        logger[metadataKey: LogKey.lane] = "\(name)"
        self.logger = logger
        connection = try PostgresConnection(configuration.database.forKeyedRows, logger: logger)
        rows = OutboxRows(connection: connection)
        leases = ShardLeases(owner: name, duration: configuration.leaseDuration)
    }

    /// Publishes until the stop is asked for, then gives the shards up.
    func run() throws {
        try connection.listen(Self.channel)
        while !stop.isRequested {
            pulse.beat()
            do {
                try visitLeases()
                if try !publishAll() { _ = try connection.waitForNotification(timeout: .milliseconds(50)) }
            } catch let error as PostgresError {
                try recover(from: error)
            }
        }
        for shard in shards.keys.sorted() { try letGo(shard) }
        connection.close()
    }

    /// Renews what is held, takes its share of what is free, gives up what is more than its share.
    private func visitLeases() throws {
        guard ContinuousClock.now >= nextLeaseVisit else { return }
        nextLeaseVisit = ContinuousClock.now + configuration.leaseDuration / 4
        try mark()
        let held = try leases.renew(holding: shards.mapValues(\.epoch), on: connection)
        for shard in shards.keys where held[shard] == nil {
            logger.warning("the lease of a shard is gone", metadata: [LogKey.shard: "\(shard)"])
            metrics.fenced.increment()
            try letGo(shard)
        }
        try open(held)
        let surplus = try leases.surplus(holding: shards.count, on: connection)
        for shard in shards.keys.sorted().suffix(surplus) {
            try letGo(shard)
        }
        metrics.shards.record(shards.count)
        metrics.waiting.record(try leases.waitingRows(on: connection))
    }

    /// Makes the producers of shards that were taken; a broker that is away is tried again with the next visit.
    private func open(_ held: [Int: Int64]) throws {
        for (shard, epoch) in held.sorted(by: { $0.key < $1.key }) where shards[shard] == nil {
            pulse.beat()
            do {
                shards[shard] = try RelayShard(
                    shard,
                    epoch: epoch,
                    configuration: configuration,
                    metrics: metrics,
                    logger: logger
                )
                logger.info("publishing a shard", metadata: [LogKey.shard: "\(shard)", LogKey.epoch: "\(epoch)"])
            } catch let error as KafkaError where error.isRetriable || error.isFatal {
                logger.warning("the shard is taken later: \(error)", metadata: [LogKey.shard: "\(shard)"])
                return try leases.giveUp([shard], on: connection)
            }
        }
    }

    /// Gives a shard up: its producer drops what it still holds, and what may be on its way all the same is marked, so
    /// that its keys' newest states come after it.
    private func letGo(_ number: Int) throws {
        guard let shard = shards.removeValue(forKey: number) else { return }
        shard.close()
        unmarked.formUnion(shard.inFlight)
        try mark()
        try leases.giveUp([number], on: connection)
    }

    private func mark() throws {
        guard !unmarked.isEmpty else { return }
        try RepublishMarks.insert(Array(unmarked), on: connection)
        unmarked = []
    }

    /// Publishes a batch of each shard; returns whether anything was there.
    ///
    /// All shards are read and deleted with one statement, and all begin before the first is completed, so that their
    /// waits for the database and for the broker pass together.
    private func publishAll() throws -> Bool {
        let found = try rows.read(shards.mapValues(\.limit))
        for number in found.keys.sorted() { try attempt(number) { try $0.begin(found[number] ?? []) } }
        var published: [Int: PublishedRows] = [:]
        for number in found.keys.sorted() {
            published[number] = try attempt(number) { try $0.complete(on: connection) } ?? nil
            pulse.beat()
        }
        let held = try rows.delete(published)
        for number in published.keys.sorted() {
            try shards[number]?.settle(isHeld: held.contains(number), on: connection)
        }
        return !found.isEmpty
    }

    /// Does something with a shard; after an error of its producer the shard is given up and taken anew.
    @discardableResult
    private func attempt<R>(_ number: Int, _ body: (RelayShard) throws -> R) throws -> R? {
        guard let shard = shards[number] else { return nil }
        do {
            return try body(shard)
        } catch let error as KafkaError {
            logger.warning("the shard's producer is made anew: \(error)", metadata: [LogKey.shard: "\(number)"])
            nextLeaseVisit = .now
            try letGo(number)
            return nil
        }
    }

    private func recover(from error: PostgresError) throws {
        logger.warning("waiting for the database: \(error)")
        var backoff = PostgresBackoff()
        while !stop.isRequested {
            pulse.beat()
            Thread.sleep(forTimeInterval: Double(backoff.next().milliseconds) / 1000)
            do {
                if !connection.isUsable { try Installation.reconnect(connection) }
                try connection.listen(Self.channel)
                return
            } catch let error as StartError {
                throw error
            } catch {
                logger.debug("still waiting for the database: \(error)")
            }
        }
        throw error
    }
}

/// What a relay needs to know.
public struct RelayConfiguration: Sendable {
    /// What real topic names begin with.
    public var topicPrefix: String
    /// How to reach the broker.
    public var kafka: KafkaSettings
    /// How to reach the database.
    public var database: PostgresConfiguration
    /// How long a lease lasts without being renewed.
    public var leaseDuration: Duration = .seconds(10)
    /// The most rows of one Kafka transaction.
    public var batchRows = 2000
    /// Whether producers are transactional; needed for fencing, see ``OutboxRelayLane``.
    public var isTransactional = true
    /// Where the relay writes what operators should know.
    public var logger: Logger

    /// Makes a configuration with the defaults of an operator's fleet.
    public init(topicPrefix: String, kafka: KafkaSettings, database: PostgresConfiguration, logger: Logger) {
        self.topicPrefix = topicPrefix
        self.kafka = kafka
        self.database = database
        self.logger = logger
    }
}
