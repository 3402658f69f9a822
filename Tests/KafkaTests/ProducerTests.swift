import Kafka
import Testing

@Suite(.timeLimit(.minutes(1))) struct ProducerTests {
    @Test func `each message is reported once with its tag and offset`() async throws {
        try await onOwnThread {
            let world = try World()
            let producer = try KafkaProducer(world.settings())
            for tag in 100..<200 as Range<UInt64> {
                try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [UInt8(tag)]), tag: tag)
            }
            #expect(producer.outstanding == 100)
            var deliveries: [KafkaDelivery] = []
            _ = try waitFor("the reports") { () -> Bool? in
                deliveries += producer.poll(timeout: .milliseconds(50))
                return deliveries.count >= 100 ? true : nil
            }
            #expect(producer.outstanding == 0)
            #expect(deliveries.map(\.tag) == Array(100..<200))
            #expect(deliveries.map(\.position) == (0..<100).map { KafkaPosition(world.place(), offset: $0) })
            #expect(deliveries.allSatisfy { $0.error == nil })
            producer.close()
        }
    }

    @Test func `one key goes to one partition, chosen as Java's clients choose`() async throws {
        try await onOwnThread {
            let world = try World(partitions: 12)
            let producer = try KafkaProducer(world.settings())
            // murmur2(key) & 0x7fffffff modulo 12.
            let expected: [(key: String, partition: Int32)] = [
                ("kafka", murmur2Partition("kafka", 12)), ("shop/production", murmur2Partition("shop/production", 12)),
                ("a", murmur2Partition("a", 12)), ("giberish123456789", murmur2Partition("giberish123456789", 12)),
            ]
            for (tag, sample) in expected.enumerated() {
                let record = KafkaRecord(topic: world.topic, key: Array(sample.key.utf8), value: [1])
                try producer.send(record, tag: UInt64(tag))
            }
            let deliveries = try producer.flush(timeout: .seconds(10)).sorted { $0.tag < $1.tag }
            #expect(deliveries.map(\.position.topicPartition.partition) == expected.map(\.partition))
            for sample in expected {
                #expect(KafkaPartitioner.murmur2(Array(sample.key.utf8), partitions: 12) == sample.partition)
            }
            producer.close()
        }
    }

    @Test func `a full queue pushes back, and takes again after a poll`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.cluster.setBrokerDown()
            let producer = try KafkaProducer(world.settings(["queue.buffering.max.messages": "10"]))
            let record = KafkaRecord(topic: world.topic, partition: 0, value: [1])
            for tag in 0..<10 as Range<UInt64> { try producer.send(record, tag: tag) }
            let error = #expect(throws: KafkaError.self) { try producer.send(record, tag: 10) }
            #expect(error?.isQueueFull == true && error?.isRetriable == true && error?.isPermanentForMessage == false)
            let timeout = #expect(throws: KafkaError.self) { try producer.flush(timeout: .milliseconds(50)) }
            #expect(timeout?.code == .timedOut)
            try world.cluster.setBrokerUp()
            _ = try waitFor("room") { () -> Bool? in
                let deliveries = producer.poll(timeout: .milliseconds(100))
                #expect(deliveries.allSatisfy { $0.error == nil })
                return deliveries.isEmpty ? nil : true
            }
            try producer.send(record, tag: 10)
            _ = try producer.flush(timeout: .seconds(10))
            producer.close()
        }
    }

    @Test func `a message that is too large is permanent, whoever says so`() async throws {
        try await onOwnThread {
            let world = try World()
            let producer = try KafkaProducer(world.settings(["message.max.bytes": "1000"]))
            let large = KafkaRecord(topic: world.topic, partition: 0, value: [UInt8](repeating: 0, count: 2000))
            let error = #expect(throws: KafkaError.self) { try producer.send(large, tag: 1) }
            #expect(error?.isPermanentForMessage == true && error?.isRetriable == false)
            #expect(error?.topicPartition == world.place())
            #expect(producer.outstanding == 0)
            try world.cluster.pushRequestErrors(.produce, [.messageTooLarge])
            try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [1]), tag: 2)
            let deliveries = try producer.flush(timeout: .seconds(10))
            #expect(deliveries.map(\.tag) == [2])
            #expect(deliveries.first?.error?.code == .messageTooLarge)
            #expect(deliveries.first?.error?.isPermanentForMessage == true)
            producer.close()
        }
    }

    @Test func `errors that pass are retried and nothing is appended twice`() async throws {
        try await onOwnThread {
            let world = try World()
            let passing: [KafkaError.Code] = [.notLeaderForPartition, .transport, .requestTimedOut, .notEnoughReplicas]
            try world.cluster.pushRequestErrors(.produce, passing)
            let producer = try KafkaProducer(world.settings(["retry.backoff.ms": "10", "reconnect.backoff.ms": "10"]))
            for tag in 0..<20 as Range<UInt64> {
                try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [UInt8(tag)]), tag: tag)
            }
            let deliveries = try producer.flush(timeout: .seconds(20))
            #expect(deliveries.map(\.tag) == Array(0..<20))
            #expect(deliveries.allSatisfy { $0.error == nil })
            let marks = try world.consumer().watermarks(of: world.place(), timeout: .seconds(5))
            #expect(marks.high == 20)
            producer.close()
        }
    }

    @Test func `a message that finds no broker in time is reported as timed out`() async throws {
        try await onOwnThread {
            let world = try World()
            let producer = try KafkaProducer(world.settings(["message.timeout.ms": "300", "linger.ms": "1"]))
            try world.cluster.setBrokerDown()
            try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [1]), tag: 7)
            let deliveries = try producer.flush(timeout: .seconds(10))
            #expect(deliveries.map(\.tag) == [7])
            #expect(deliveries.first?.error?.code == .messageTimedOut)
            #expect(deliveries.first?.error?.isRetriable == true)
            #expect(producer.latestError != nil)
            producer.close()
        }
    }

    @Test func `a producer learns whether a broker answers`() async throws {
        try await onOwnThread {
            let world = try World()
            let producer = try KafkaProducer(world.settings(["reconnect.backoff.ms": "10"]))
            try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [1]), tag: 1)
            _ = try waitFor("an answer") { producer.hasBroker(within: .seconds(1)) ? true : nil }
            try world.cluster.setBrokerDown()
            #expect(!producer.hasBroker(within: .milliseconds(100)))
            try world.cluster.setBrokerUp()
            _ = try waitFor("another answer") { producer.hasBroker(within: .seconds(1)) ? true : nil }
            producer.close()
            #expect(!producer.hasBroker(within: .seconds(1)))
        }
    }

    @Test func `what is purged is reported as failed`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.cluster.setBrokerDown()
            let producer = try KafkaProducer(world.settings())
            try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [1]), tag: 7)
            producer.purge()
            let deliveries = try producer.flush(timeout: .seconds(10))
            #expect(deliveries.map(\.tag) == [7])
            #expect(deliveries.first?.error?.code == .purgedFromQueue)
            producer.close()
            let error = #expect(throws: KafkaError.self) {
                try producer.send(KafkaRecord(topic: world.topic, value: nil), tag: 8)
            }
            #expect(error?.code == .closed)
        }
    }
}

/// The default partitioner of Java's clients.
private func murmur2Partition(_ key: String, _ count: Int32) -> Int32 {
    let bytes = Array(key.utf8)
    let factor: UInt32 = 0x5bd1_e995
    var hash: UInt32 = 0x9747_b28c ^ UInt32(bytes.count)
    for start in stride(from: 0, to: bytes.count & ~3, by: 4) {
        var word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
        word = word &* factor
        word ^= word >> 24
        hash = hash &* factor ^ (word &* factor)
    }
    let rest = bytes.suffix(bytes.count & 3)
    for (index, byte) in rest.enumerated().reversed() { hash ^= UInt32(byte) << UInt32(8 * index) }
    if !rest.isEmpty { hash = hash &* factor }
    hash ^= hash >> 13
    hash = hash &* factor
    hash ^= hash >> 15
    return Int32(hash & 0x7fff_ffff) % count
}
