import CoreMetrics
import Foundation
import Kafka
import Logging
import Postgres

/// Why a partition waits: its next message found the queue of its key full, and there is nobody to tell.
struct FullQueue: Sendable, Equatable {
    let partition: Int32
    /// The message that found no room; the partition goes on with it.
    let offset: Int64
    let key: [UInt8]
    /// The bytes that the message wants room for.
    let bytes: Int

    init(_ message: KafkaMessageView, key: [UInt8]) {
        partition = message.partition
        offset = message.offset
        self.key = key
        bytes = message.valueCount
    }
}

/// Ends a batch's transaction whose messages find queues full; the batch is tried again without them.
struct NoRoom: Error, Equatable {
    let queues: [FullQueue]
}

/// Partitions that wait for room: paused in the client, claimed all the same, so that this lane empties the queue.
extension Lane {
    /// Pauses the partitions; what was polled of them is dropped and read again.
    func waitForRoom(_ queues: [FullQueue]) throws {
        for queue in queues where fullQueues.updateValue(queue, forKey: queue.partition) == nil {
            // Its end was seen, but what lies before it is not consumed.
            claims[queue.partition]?.endReached = nil
            metrics.pausedPartitions.increment(by: 1)
            logger.warning(
                "as many messages as may wait behind a failed one of their key: the partition waits for room",
                metadata: [
                    LogKey.partition: "\(queue.partition)", LogKey.offset: "\(queue.offset)",
                    LogKey.key: "\(String(decoding: queue.key.prefix(120), as: UTF8.self))",
                ]
            )
        }
        try consumer.pause(queues.map { topicPartition($0.partition) })
        try clearSuspicion(of: queues)
    }

    /// A message that was marked as a suspect waits now: it is not what ends the worker while it does.
    private func clearSuspicion(of queues: [FullQueue]) throws {
        do {
            for queue in queues {
                guard let claim = claims[queue.partition], claim.isCautious else { continue }
                try claimStore.suspect(nil, partition: queue.partition, epoch: claim.epoch, on: connection)
            }
        } catch {
            try recover(from: error)
        }
    }

    /// Lets partitions go on whose key has room again.
    func resumeWhereRoom() throws {
        guard !fullQueues.isEmpty, ContinuousClock.now >= nextRoomVisit else { return }
        nextRoomVisit = ContinuousClock.now + .milliseconds(200)
        do {
            for queue in fullQueues.values.sorted(by: { $0.partition < $1.partition }) {
                guard let claim = claims[queue.partition], try hasRoomAgain(queue) else { continue }
                let place = topicPartition(queue.partition)
                try consumer.seek(to: KafkaPosition(place, offset: claim.startOffset), timeout: .seconds(10))
                try goOn(queue.partition)
                logger.info(
                    "there is room again: the partition goes on",
                    metadata: [LogKey.partition: "\(queue.partition)"]
                )
            }
        } catch let error as KafkaError where !error.isFatal {
            logger.warning("the partition goes on later: \(error)")
        } catch {
            try recover(from: error)
        }
    }

    private func hasRoomAgain(_ queue: FullQueue) throws -> Bool {
        guard let size = try parkedQueue.size(of: queue.key, on: connection) else { return true }
        return configuration.retries.hasRoomAgain(messages: size.messages, bytes: size.bytes, adding: queue.bytes)
    }

    /// Ends the wait of a partition that stands where it goes on; does nothing to one that does not wait.
    func goOn(_ partition: Int32) throws {
        guard fullQueues[partition] != nil else { return }
        try consumer.resume([topicPartition(partition)])
        stopWaiting(partition)
    }

    /// Forgets that a partition waits.
    private func stopWaiting(_ partition: Int32) {
        guard fullQueues.removeValue(forKey: partition) != nil else { return }
        metrics.pausedPartitions.decrement(by: 1)
    }

    /// Forgets partitions that the group gave to others.
    func forget(_ partitions: [KafkaTopicPartition]) {
        for partition in partitions.map(\.partition) {
            claims[partition] = nil
            unheld.remove(partition)
            unclaimed.removeAll { $0 == partition }
            heldBack.remove(partition)
            silentLeaders.answered(partition)
            silentEnds.answered(partition)
            stopWaiting(partition)
        }
    }
}
