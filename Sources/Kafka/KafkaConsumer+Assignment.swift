import CRdkafka
import Synchronization

extension KafkaConsumer {
    /// Starts reading the partitions, each from its offset; answers an `assigned` event.
    ///
    /// Fewer partitions than were given are allowed, also none: what the owner could not claim yet it assigns later
    /// with another call. The fetch starts in the background.
    /// - Throws: Also while a `revoked` event waits for ``release(_:)``: an eager group would never get an answer to it.
    public func assign(_ positions: [KafkaPosition]) throws(KafkaError) {
        let handle = try open("assign partitions")
        if case .revoked = owed {
            throw KafkaError(.state, operation: "assign partitions", reason: "the group takes partitions back")
        }
        if isCooperative {
            let list = RDKafkaPartitionList(positions)
            try KafkaError.check(rd_kafka_incremental_assign(handle.pointer, list.pointer), "assign partitions")
        } else {
            try replaceAssignment(with: kept(without: Set(positions.map(\.topicPartition))) + positions, handle)
        }
        handle.isDestroyable.store(true, ordering: .releasing)
        owed = nil
        for position in positions {
            assigned.insert(position.topicPartition)
            expect(position, handle)
        }
    }

    /// Stops reading the partitions; answers a `revoked` event.
    ///
    /// Partitions that are not assigned are passed over. Messages of these partitions that were polled stay readable.
    public func release(_ partitions: [KafkaTopicPartition]) throws(KafkaError) {
        let handle = try open("release partitions")
        let released = Set(partitions).intersection(assigned)
        try resume(released.sorted())
        if isCooperative {
            let list = RDKafkaPartitionList(released.sorted())
            try KafkaError.check(rd_kafka_incremental_unassign(handle.pointer, list.pointer), "release partitions")
        } else if case .revoked = owed {
            try KafkaError.check(rd_kafka_assign(handle.pointer, nil), "release partitions")
        } else {
            try replaceAssignment(with: kept(without: released), handle)
        }
        owed = nil
        assigned.subtract(released)
        for partition in released { expect(KafkaPosition(partition, offset: -1), handle) }
    }

    /// Gives up what the group waits for, so that closing does not wait for an answer nobody will give.
    func answerOwedRebalance(_ handle: RDKafkaHandle) {
        let pending = owed ?? handle.callbacks.rebalances.first
        owed = nil
        handle.callbacks.rebalances = []
        switch pending {
        case .assigned:
            let none = RDKafkaPartitionList([KafkaPosition]())
            if !isCooperative {
                rd_kafka_assign(handle.pointer, none.pointer)
            } else if let error = rd_kafka_incremental_assign(handle.pointer, none.pointer) {
                rd_kafka_error_destroy(error)  // The membership is over: there is nothing left to answer.
            }
        case .revoked(let partitions, _):
            let list = RDKafkaPartitionList(partitions.filter { assigned.contains($0) })
            if !isCooperative {
                rd_kafka_assign(handle.pointer, nil)
            } else if let error = rd_kafka_incremental_unassign(handle.pointer, list.pointer) {
                rd_kafka_error_destroy(error)  // As above.
            }
        default:
            break
        }
    }

    /// Delivery continues at this position; what lies before it is not delivered.
    func expect(_ position: KafkaPosition, _ handle: RDKafkaHandle) {
        let place = position.topicPartition
        handle.callbacks.topics.topic(named: place.topic).expect(position.offset, in: place.partition)
    }

    /// The eager protocol replaces the whole assignment, so what is kept is named again where it stands.
    private func kept(without partitions: Set<KafkaTopicPartition>) -> [KafkaPosition] {
        guard owed == nil, let handle else { return [] }
        return assigned.subtracting(partitions).sorted()
            .map { place in
                let next = handle.callbacks.topics.topic(named: place.topic).nextOffset(of: place.partition)
                return KafkaPosition(place, offset: next)
            }
    }

    private func replaceAssignment(with positions: [KafkaPosition], _ handle: RDKafkaHandle) throws(KafkaError) {
        let list = RDKafkaPartitionList(positions)
        try KafkaError.check(rd_kafka_assign(handle.pointer, list.pointer), "assign partitions")
    }
}
