import CoreMetrics
import Foundation
public import Kafka
public import Logging
public import Postgres

/// One thread that publishes the outbox: leases shards, sends their rows in order, deletes what the broker has.
///
/// A shard has one owner at a time, by the database's clock. A new owner first has the broker refuse what the former
/// one may still hold, see ``RelayProducer``. What a round does is in `RelayShards+Sending.swift`.
final class OutboxRelayLane {
    /// The PostgreSQL channel on which lanes wake the relay.
    static let channel = "slipway_outbox"

    private let stop: StopSignal
    private let pulse: LanePulse
    private let logger: Logger
    private let connection: PostgresConnection
    private let shards: RelayShards
    /// How often leases are renewed.
    private let visitEvery: Duration
    private var nextLeaseVisit = ContinuousClock.now

    /// Connects to the database; the producer is made when shards are leased.
    init(_ configuration: RelayConfiguration, name: String, stop: StopSignal, pulse: LanePulse) throws {
        self.stop = stop
        self.pulse = pulse
        var logger = configuration.logger
        logger[metadataKey: LogKey.lane] = "\(name)"
        self.logger = logger
        connection = try Installation.connect(configuration.database.forKeyedRows, logger: logger)
        shards = RelayShards(configuration, owner: name, connection: connection, logger: logger, stop: stop)
        visitEvery = configuration.leaseDuration / 4
    }

    /// Publishes until the stop is asked for, then gives the shards up.
    func run() throws {
        var isListening = false
        while !stop.isRequested {
            pulse.beat()
            do {
                if !isListening { try connection.listen(Self.channel) }
                isListening = true
                if ContinuousClock.now >= nextLeaseVisit {
                    nextLeaseVisit = ContinuousClock.now + visitEvery
                    try shards.visitLeases()
                    // The broker may have been asked for longer than the leases last.
                    guard ContinuousClock.now < shards.leaseEnd else { continue }
                }
                let began = ContinuousClock.now
                if try publish() {
                    let rest = RelayPace.rest(after: shards.latestRound, took: .now - began)
                    if rest > .zero { Thread.sleep(forTimeInterval: rest / .seconds(1)) }
                } else if try connection.waitForNotification(timeout: .milliseconds(50)) == nil {
                    continue
                }
                // The next round, which begins after this, reads all that they tell of. After a round that found nothing they
                // are left for the wait: they may tell of what was committed while it read.
                connection.dropNotifications()
            } catch let error as PostgresError {
                try recover(from: error)
            }
        }
        try shards.close()
        connection.close()
    }

    /// Publishes what waits; after an error of the producer the shards are given up and taken anew.
    private func publish() throws -> Bool {
        do {
            return try shards.publish()
        } catch let error as KafkaError {
            nextLeaseVisit = .now
            try shards.startAnew(after: error)
            return false
        }
    }

    private func recover(from error: PostgresError) throws {
        logger.warning("waiting for the database: \(error)")
        Installation.leaveReadOnly(connection, after: error)
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
    /// How long to wait for the broker in one step; what was sent is waited for twice as long.
    public var brokerPatience: Duration = .seconds(30)
    /// How long a topic that may not be written is waited for, before what is sent to it is set aside: long enough for ACLs
    /// that are replaced.
    ///
    /// Most topics have messages in every shard, so all of them may wait: shorter than the first deadline of a command.
    public var deniedTopicPatience: Duration = .seconds(30)
    /// The most rows of one shard in one Kafka transaction, each with the messages of a database transaction.
    public var batchRows = 200
    /// Whether producers are transactional; needed for fencing, see ``OutboxRelayLane``.
    public var isTransactional = true
    /// What messages are stamped with.
    public var clock = WallClock()
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
