import Kafka
import Testing

@Suite(.timeLimit(.minutes(1))) struct AdminTests {
    @Test func `metadata names brokers, topics and partitions without a leader`() async throws {
        try await onOwnThread {
            let world = try World(partitions: 3, brokers: 2)
            try world.cluster.createTopic("audit", partitions: 1, replicationFactor: 2)
            try world.cluster.setPartitionLeader(world.place(1), broker: nil)
            let admin = try KafkaAdmin(world.settings())
            let metadata = try admin.metadata(timeout: .seconds(5))
            #expect(metadata.brokers.map(\.id) == [1, 2])
            #expect(metadata.topics.map(\.name) == ["audit", "orders"])
            #expect(metadata.topic("orders")?.partitionCount == 3)
            #expect(metadata.topic("orders")?.partitionsWithoutLeader == [1])
            #expect(metadata.topic("audit")?.replicationFactor == 2)
            #expect(metadata.topic("absent") == nil)
            admin.close()
        }
    }

    @Test func `an admin request the cluster does not answer is a time-out`() async throws {
        try await onOwnThread {
            let world = try World()
            let admin = try KafkaAdmin(world.settings())
            let topic = KafkaTopicDefinition(name: "new", partitions: 1, configuration: ["cleanup.policy": "compact"])
            let attempts: [() throws -> Void] = [
                { try admin.createTopics([topic], timeout: .milliseconds(200)) },
                { try admin.createPartitions(world.topic, total: 4, timeout: .milliseconds(200)) },
                { _ = try admin.describeConfiguration(world.topic, timeout: .milliseconds(200)) },
                { try admin.alterConfiguration(world.topic, ["retention.ms": "1"], timeout: .milliseconds(200)) },
            ]
            for attempt in attempts {
                let error = #expect(throws: KafkaError.self) { try attempt() }
                #expect(error?.code == .timedOut)
                #expect(error?.isRetriable == true)
            }
            admin.close()
        }
    }

    @Test func `a cluster that cannot be reached is a time-out`() async throws {
        try await onOwnThread {
            let admin = try KafkaAdmin(KafkaSettings(bootstrapServers: "127.0.0.1:1"))
            let error = #expect(throws: KafkaError.self) { try admin.metadata(timeout: .milliseconds(300)) }
            #expect(error?.isRetriable == true)
            admin.close()
            let closed = #expect(throws: KafkaError.self) { try admin.metadata(timeout: .seconds(1)) }
            #expect(closed?.code == .closed)
        }
    }
}
