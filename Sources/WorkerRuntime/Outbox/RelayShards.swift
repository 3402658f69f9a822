import CoreMetrics
import Foundation
import Kafka
import Logging
import Postgres

/// The shards that one relay holds, and the producer with which it publishes them.
final class RelayShards {
    let configuration: RelayConfiguration
    let connection: PostgresConnection
    let logger: Logger
    let metrics = RelayMetrics()
    let rows: OutboxRows
    private let leases: ShardLeases
    private let stop: StopSignal
    private var current: RelayProducer?
    /// Shards that were given up in trouble, by their numbers: it goes on when they are taken anew.
    private var troubled: [Int: RelayShard] = [:]

    /// The shards that are held and may be published, by their numbers.
    var held: [Int: RelayShard] = [:]
    /// Until when nobody else can have what is held, by this process's clock; it counts from before the database was
    /// asked, so it is over before the lease is.
    var leaseEnd: ContinuousClock.Instant
    /// The most rows of a shard in the next round: half as many after a round that the broker did not take in time, so
    /// that a slow broker gets what it can take within a lease.
    private(set) var rowsAtOnce: Int
    /// How many messages the broker took in the latest round, without those that went alone.
    var latestRound = 0
    /// Topics that the broker refuses.
    var refusals = TopicRefusals()
    /// Former owners' producers that the broker did not refuse when it was asked to.
    private var unrefused = Unanswered<String>(longestRest: .seconds(60))
    /// Keys that are to be published again, until the database has noted them.
    var unmarked: Set<OutboxKey> = []

    /// Holds nothing yet.
    init(
        _ configuration: RelayConfiguration,
        owner: String,
        connection: PostgresConnection,
        logger: Logger,
        stop: StopSignal = StopSignal()
    ) {
        self.stop = stop
        self.configuration = configuration
        self.connection = connection
        self.logger = logger
        rows = OutboxRows(connection: connection)
        leases = ShardLeases(owner: owner, duration: configuration.leaseDuration)
        rowsAtOnce = configuration.batchRows
        leaseEnd = .now + configuration.leaseDuration
    }

    /// Renews what is held, takes its share of what is free, gives up what is more than its share.
    func visitLeases() throws {
        try mark()
        guard try hasProducer() else { return metrics.shards.record(held.count) }
        let asked = ContinuousClock.now
        let leased = try leases.renew(
            holding: held.mapValues(\.epoch),
            without: unrefused.resting(at: .now),
            on: connection
        )
        leaseEnd = asked + configuration.leaseDuration
        for shard in held.keys.sorted() where leased[shard] == nil {
            logger.warning("the lease of a shard is gone", metadata: [LogKey.shard: "\(shard)"])
            metrics.fenced.increment()
            try letGo([shard], isSettled: false)
        }
        try begin(leased.filter { held[$0.key] == nil })
        let surplus = try leases.surplus(holding: held.count, on: connection)
        try letGo(held.keys.sorted().suffix(surplus), isSettled: true)
        metrics.shards.record(held.count)
        metrics.waiting.record(try leases.waitingMessages(on: connection))
        attend()
    }

    /// Gives everything up, at the end.
    func close() throws {
        try letGo(held.keys.sorted(), isSettled: true)
        try leases.leave(on: connection)
        current?.close()
    }

    /// Gives everything up after an error of the producer; with the next visit it is taken anew.
    func startAnew(after error: KafkaError) throws {
        logger.warning("the producer is made anew: \(error)")
        tookTooLong(error)
        current?.close()
        current = nil
        try letGo(held.keys.sorted(), isSettled: false)
    }

    /// Has the producer tell what it has to tell: it is asked nothing where nothing is published.
    func attend() {
        current?.attend()
    }

    /// The producer, made now if there is none.
    func producer() throws(KafkaError) -> RelayProducer {
        if let current { return current }
        let made = try RelayProducer(configuration, stop: stop)
        current = made
        return made
    }

    /// Goes on with another producer after a batch that was taken back: of the present one nothing is on its way.
    ///
    /// Its coordinator takes no other transaction of it until every partition of the aborted one has taken the mark, which
    /// one without a leader does not. So nobody need have it refused, and nobody could.
    ///
    /// - Throws: Why the other one cannot be made or noted. Then nothing is held any more: whom the leases name is not known,
    ///   and whoever takes the shards next has to know whom to have refused.
    func changeProducer() throws {
        current?.close()
        current = nil
        do {
            let mine = held.mapValues { ShardLeases.Lease(epoch: $0.epoch, producer: nil) }
            try leases.adopt(mine, producer: nil, on: connection)
            try leases.adopt(mine, producer: try producer().id, on: connection)
        } catch {
            forget(held.keys.sorted(), isSettled: false)
            throw error
        }
    }

    /// Has fewer rows sent at once where the broker did not take them in time.
    func tookTooLong(_ error: KafkaError) {
        if error.code == .timedOut { rowsAtOnce = max(1, rowsAtOnce / 2) }
    }

    /// Notes that the broker took so many messages in a transaction.
    func taken(_ messages: Int) {
        latestRound += messages
        rowsAtOnce = min(configuration.batchRows, rowsAtOnce * 2)
    }

    /// Notes which keys are to be published again.
    func mark() throws {
        guard !unmarked.isEmpty else { return }
        try RepublishMarks.insert(Array(unmarked), on: connection)
        unmarked = []
    }

    // MARK: Steps

    /// Whether there is a producer, which is made if there is none, and tried again with the next visit.
    ///
    /// Who has none is not counted among those that share the shards, and takes none: it may reach the database and no
    /// broker, and its share would stand still.
    private func hasProducer() throws -> Bool {
        guard current == nil else { return true }
        // Nothing of what is held could be published by a producer that its lease names.
        try letGo(held.keys.sorted(), isSettled: false)
        try leases.leave(on: connection)
        do throws(KafkaError) {
            _ = try producer()
            return true
        } catch {
            guard error.isRetriable || error.isFatal else { throw error }
            logger.warning("shards are taken later: \(error)")
            return false
        }
    }

    /// Has the broker refuse the former owners' producers, then publishes their shards.
    ///
    /// About a producer that it does not refuse it is asked again after a rest, while the others go on.
    private func begin(_ taken: [Int: ShardLeases.Lease]) throws {
        guard !taken.isEmpty else { return }
        let id = try producer().id
        let former = Set(taken.values.compactMap(\.producer)).subtracting([id].compactMap { $0 })
        let waiting = former.subtracting(fence(former))
        let mine = taken.filter { _, lease in !(lease.producer.map(waiting.contains) ?? false) }
        let others = taken.keys.filter { mine[$0] == nil }
        if !others.isEmpty { try leases.giveUp(others, isSettled: false, on: connection) }
        try leases.adopt(mine, producer: id, on: connection)
        for (shard, lease) in mine.sorted(by: { $0.key < $1.key }) {
            held[shard] = RelayShard(epoch: lease.epoch, after: troubled.removeValue(forKey: shard))
            logger.info(
                "publishing a shard",
                metadata: [LogKey.shard: "\(shard)", LogKey.epoch: "\(lease.epoch)"]
            )
        }
    }

    /// Has the broker refuse producers; begins with none after a quarter of the lease, which what is held needs, too.
    ///
    /// - Returns: Those that it refuses from now on, or that need not be refused.
    private func fence(_ producers: Set<String>) -> Set<String> {
        guard configuration.isTransactional else { return producers }
        let end = ContinuousClock.now + configuration.leaseDuration / 4
        var refused: Set<String> = []
        for producer in unrefused.due(producers, at: .now) where !stop.isRequested && ContinuousClock.now < end {
            do {
                try RelayProducer.fence(producer, configuration, stop: stop)
                unrefused.answered(producer)
                refused.insert(producer)
            } catch {
                unrefused.failed(producer, at: .now)
                logger.warning("the shards of a former producer are taken later, the others go on: \(error)")
            }
        }
        return refused
    }

    /// Gives shards up; what may be on its way all the same is marked, so that its keys' newest states come after it.
    ///
    /// - Parameter isSettled: Whether nothing is on its way, so that the next owner need not have this producer refused.
    private func letGo(_ shards: [Int], isSettled: Bool) throws {
        guard !shards.isEmpty else { return }
        forget(shards, isSettled: isSettled)
        let isSettled = isSettled && unmarked.isEmpty
        try mark()
        try leases.giveUp(shards, isSettled: isSettled, on: connection)
    }

    /// Holds shards no longer, and remembers what is to be made good of them.
    private func forget(_ shards: [Int], isSettled: Bool) {
        for shard in shards {
            guard let gone = held.removeValue(forKey: shard) else { continue }
            unmarked.formUnion(gone.inFlight)
            if gone.isInTrouble, !isSettled { troubled[shard] = gone }
        }
    }
}
