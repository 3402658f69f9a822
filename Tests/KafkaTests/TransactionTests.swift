import Kafka
import Testing

@Suite(.timeLimit(.minutes(1))) struct TransactionTests {
    @Test func `a committed transaction is read and reported`() async throws {
        try await onOwnThread {
            let world = try World()
            let producer = try KafkaProducer(world.settings(), transactionalID: "outbox-0")
            try producer.initTransactions(timeout: .seconds(10))
            for round in 0..<3 as Range<UInt64> {
                try producer.beginTransaction()
                try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [UInt8(round)]), tag: round)
                try producer.commitTransaction(timeout: .seconds(10))
                let deliveries = producer.poll(timeout: .zero)
                #expect(deliveries.map(\.tag) == [round])
                #expect(deliveries.allSatisfy { $0.error == nil })
            }
            let reader = Reader(try world.consumer())
            try reader.read(3)
            #expect(reader.messages.map(\.valueBytes) == [[0], [1], [2]])
            producer.close()
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `an aborted transaction can be followed by another`() async throws {
        try await onOwnThread {
            let world = try World()
            let producer = try KafkaProducer(world.settings(), transactionalID: "outbox-0")
            try producer.initTransactions(timeout: .seconds(10))
            try producer.beginTransaction()
            try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [1]), tag: 1)
            try producer.abortTransaction(timeout: .seconds(10))
            _ = producer.poll(timeout: .zero)
            try producer.beginTransaction()
            try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [2]), tag: 2)
            try producer.commitTransaction(timeout: .seconds(10))
            #expect(producer.poll(timeout: .zero).map(\.tag).contains(2))
            producer.close()
        }
    }

    @Test func `a producer that was replaced learns that it is over`() async throws {
        try await onOwnThread {
            let world = try World()
            let producer = try KafkaProducer(world.settings(), transactionalID: "outbox-0")
            try producer.initTransactions(timeout: .seconds(10))
            try producer.beginTransaction()
            try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [1]), tag: 1)
            let invalidProducerEpoch = KafkaError.Code(rawValue: 47)
            try world.cluster.pushRequestErrors(.endTransaction, [invalidProducerEpoch])
            let error = #expect(throws: KafkaError.self) { try producer.commitTransaction(timeout: .seconds(10)) }
            #expect(error?.isFatal == true && error?.isRetriable == false)
            #expect(producer.fatalError != nil)
            producer.close()
        }
    }

    @Test func `sending outside a transaction is refused`() async throws {
        try await onOwnThread {
            let world = try World()
            let producer = try KafkaProducer(world.settings(), transactionalID: "outbox-0")
            try producer.initTransactions(timeout: .seconds(10))
            let error = #expect(throws: KafkaError.self) {
                try producer.send(KafkaRecord(topic: world.topic, partition: 0, value: [1]), tag: 1)
            }
            #expect(error?.code == .state)
            producer.close()
        }
    }
}
