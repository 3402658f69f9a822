import CoreMetrics
import Foundation
import Kafka
import Logging
import Postgres

/// One thread, one Kafka consumer, one PostgreSQL connection: the whole life of a message.
///
/// Read ``run()`` first: collect a batch, settle it in one transaction (see `LaneTransaction.swift`), store the
/// offsets, answer the group's rebalances between transactions. What happens when a transaction fails is in
/// `LaneRecovery.swift` and `Remedy.swift`; a key whose message failed waits in the database, see `LaneParking.swift`; a partition waits
/// where too much waits with it, see `FullQueue.swift`.
///
/// A lane is used on one thread only, the one that calls ``run()``.
final class Lane<H: Handler> {
    let configuration: LaneConfiguration
    let handler: H
    let stop: StopSignal
    let pulse: LanePulse
    let logger: Logger
    let connection: PostgresConnection
    let consumer: KafkaConsumer
    let claimStore: ClaimStore
    let outbox: OutboxTable
    let metrics: LaneMetrics

    /// The partitions that this lane may commit.
    var claims: [Int32: PartitionClaim] = [:]
    /// Whether the group waits for an answer to what it assigned.
    var owesAnswer = false
    /// Partitions that the group assigned and that are not claimed yet.
    var unclaimed: [Int32] = []
    /// Those of them that were added to the topic and wait until older partitions are read.
    var heldBack: Set<Int32> = []
    /// Partitions that are assigned and whose claim was lost to the fence, until they are claimed again.
    var unheld: Set<Int32> = []
    /// Partitions whose leaders did not answer when they were to be claimed, or whose claims somebody kept locked.
    var silentLeaders = Unanswered<Int32>(longestRest: .seconds(16))
    /// A rebalance that waits until the batch in hand is settled.
    var pendingRebalance: KafkaConsumerEvent?
    /// What leaders are asked of where partitions end, see `LaneEnds.swift`.
    var endQuestions: [EndQuestion] = []
    /// Partitions whose leaders did not answer when they were asked for ends.
    var silentEnds = Unanswered<Int32>(longestRest: .seconds(4))
    /// Partitions that wait until the queue of a key has room.
    var fullQueues: [Int32: FullQueue] = [:]
    var hand: [Held<H.Input>] = []
    var nextHousekeeping = ContinuousClock.now
    var nextParkedVisit = ContinuousClock.now
    /// Keys with whose head this lane has begun, as is written down, and that it has not finished, each with how many lanes
    /// have, this one included.
    var begunKeys: [[UInt8]: Int] = [:]
    var nextRoomVisit = ContinuousClock.now
    var relayWake = RelayWake()

    /// Connects to the database and joins the group; blocks.
    init(_ configuration: LaneConfiguration, name: String, handler: H, stop: StopSignal, pulse: LanePulse) throws {
        self.configuration = configuration
        self.handler = handler
        self.stop = stop
        self.pulse = pulse
        var logger = configuration.logger
        logger[metadataKey: LogKey.lane] = "\(name)"
        self.logger = logger
        connection = try Installation.connect(configuration.database.forKeyedRows, logger: logger)
        outbox = OutboxTable(shards: try Installation.outboxShards(reconnecting: connection))
        claimStore = ClaimStore(group: configuration.group, topic: configuration.topic, owner: name)
        metrics = LaneMetrics(worker: configuration.worker)
        consumer = try KafkaConsumer(
            configuration.kafka,
            group: configuration.group,
            topics: [configuration.realTopic],
            instance: configuration.instance
        )
    }

    /// Consumes until the stop is asked for, then finishes what it has and leaves the group.
    ///
    /// - Throws: What the process cannot go on with: a fatal client error, or a database that stays away past the
    ///   drain deadline of a stop.
    func run() throws {
        while !stop.isRequested {
            pulse.beat()
            try answerRebalance()
            try collect()
            try settleHand()
            wakeRelay()
            try retryParked()
            try resumeWhereRoom()
            try keepHouse()
            try noteConsumed()
        }
        try drain()
    }

    /// Polls until nothing more is there, the batch is full, or the group rebalances.
    private func collect() throws {
        var bytes = 0
        while hand.count < configuration.batchCount, bytes < configuration.batchBytes, pendingRebalance == nil {
            guard let event = try consumer.poll(timeout: hand.isEmpty ? idleWait : .zero) else { return }
            bytes += try take(event)
        }
    }

    /// How long to wait for a message: until the relay may be woken, if it is still to be.
    private var idleWait: Duration { relayWake.wait(at: .now) ?? .milliseconds(100) }

    /// Takes one event of the consumer; returns the bytes that a message adds to the hand.
    func take(_ event: KafkaConsumerEvent) throws -> Int {
        switch event {
        case .message(let message):
            guard try accept(message) else { return 0 }
            return message.valueCount + 100
        case .assigned, .revoked:
            pendingRebalance = event
        case .endOfPartition(let position):
            noteEnd(position)
        case .failure(let error):
            if error.isFatal { throw error }
            logger.warning("the broker reports: \(error)")
            if error.code == .offsetReset, let place = error.topicPartition { loseOffset(place.partition) }
        }
        return 0
    }

    /// Lets go of a partition that cannot go on from where it stands: it is claimed anew.
    func loseOffset(_ partition: Int32) {
        guard claims.removeValue(forKey: partition) != nil else { return }
        unheld.insert(partition)
        nextHousekeeping = .now
    }

    /// Takes a message into the hand, decoded unless it is a suspect.
    ///
    /// It is left out if it lies before the claim, or the topic turns out to be another one.
    private func accept(_ message: KafkaMessage) throws -> Bool {
        guard var claim = claims[message.partition], fullQueues.isEmpty || fullQueues[message.partition] == nil
        else { return false }
        if claim.endReached != nil || claim.lastHandled != nil {
            let last = claim.lastHandled
            (claim.endReached, claim.lastHandled) = (nil, nil)
            claims[message.partition] = claim
            if let last, message.offset == last.offset,
                message.timestamp.millisecondsSince1970 != last.timestamp
            {
                try restartRemadeTopic(message.topicPartition, claim: claim)
                return false
            }
        }
        guard message.offset >= claim.nextOffset else { return false }
        let view = KafkaMessageView(message, topic: configuration.topic)
        // Decoding may be what ends the worker: a suspect waits for its turn, see `transactAlone`.
        hand.append(claim.isCautious ? Held(undecoded: view, epoch: claim.epoch) : decode(view, claim: claim))
        return true
    }

    func decode(_ view: KafkaMessageView, claim: PartitionClaim) -> Held<H.Input> {
        if claim.condemnedOffset == view.offset {
            // It is not looked at again: whatever reads it may be what ends the worker.
            return Held(.deadLetter(.workerCrashed), message: view, epoch: claim.epoch)
        }
        do throws(Refusal) {
            let input = try handler.decode(view)
            let key = handler.inboxKey(of: input)
            let kept = handler.keepable(view)
            kept.forgetHeaders()
            return Held(input, message: kept, epoch: claim.epoch, inboxKey: key)
        } catch {
            return Held(error, message: handler.keepable(view), epoch: claim.epoch)
        }
    }

    private func settleHand() throws {
        guard !hand.isEmpty else { return }
        let messages = hand
        hand = []
        TestSignal.afterPoll.reach()
        try settle(messages)
    }

    /// Small duties between batches: claims that are left, where partitions at rest end, offsets for lag tools.
    private func keepHouse() throws {
        guard ContinuousClock.now >= nextHousekeeping else { return }
        defer { nextHousekeeping = .now + .seconds(2) }
        metrics.partitions.record(claims.count)
        do {
            if owesAnswer || !unclaimed.isEmpty, pendingRebalance == nil { try claimAssigned() }
            if !unheld.isEmpty { try reclaimUnheld() }
            try askForEnds()
            try consumer.commit(wait: false)
        } catch let error as KafkaError where !error.isFatal {
            logger.debug("offsets for lag tools were not committed: \(error)")
        } catch {
            try recover(from: error)
        }
    }

    func drain() throws {
        logger.info("stopping: the batch in hand is settled, leaving the group")
        takeBackBegun()
        do {
            try consumer.commit(wait: true)
        } catch {
            logger.debug("offsets for lag tools were not committed: \(error)")
        }
        if !consumer.close(deadline: .seconds(5)) {
            logger.warning("the consumer did not leave the group within 5 seconds")
        }
        connection.close()
    }
}

extension Reason {
    static let workerCrashed = Reason(
        code: "worker_crashed",
        sentence: "Workers ended repeatedly while they handled this message; it was set aside without being decoded."
    )
}
