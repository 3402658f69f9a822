import Kafka
import Testing

@Suite(.timeLimit(.minutes(1))) struct CloseTests {
    @Test func `a consumer closed at any time before its first assignment does not end the process`() async throws {
        try await onOwnThread {
            let world = try World()
            for polls in [0, 1, 4, 8] {
                let consumer = try world.consumer()
                for _ in 0..<polls { _ = try consumer.poll(timeout: .milliseconds(50)) }
                #expect(consumer.close(deadline: .seconds(10)))
                #expect(consumer.close(deadline: .seconds(10)), "closing twice is not an error")
            }
        }
    }

    @Test(arguments: ["cooperative-sticky", "range"])
    func `closing answers an assignment nobody answered`(strategy: String) async throws {
        try await onOwnThread {
            let world = try World()
            let consumer = try world.consumer(["partition.assignment.strategy": strategy])
            _ = try waitFor("the assignment") { () -> Bool? in
                if case .assigned = try consumer.poll(timeout: .milliseconds(50)) { true } else { nil }
            }
            #expect(consumer.close(deadline: .seconds(10)))
        }
    }

    @Test func `the next consumer takes over what a closed one had`() async throws {
        try await onOwnThread {
            let world = try World()
            let first = Reader(try world.consumer())
            try first.read("the assignment") { !$0.consumer.assignment.isEmpty }
            #expect(first.consumer.close(deadline: .seconds(10)))
            let second = Reader(try world.consumer())
            try second.read("its partitions") { !$0.consumer.assignment.isEmpty }
            let error = #expect(throws: KafkaError.self) { try first.consumer.poll(timeout: .zero) }
            #expect(error?.code == .closed)
            #expect(second.consumer.close(deadline: .seconds(10)))
        }
    }

    @Test func `closing does not wait longer than its deadline for a cluster that is gone`() async throws {
        try await onOwnThread {
            let world = try World()
            let reader = Reader(try world.consumer())
            try reader.read("the assignment") { !$0.consumer.assignment.isEmpty }
            try world.cluster.setBrokerDown()
            _ = reader.consumer.close(deadline: .milliseconds(200))
            #expect(reader.consumer.assignment.isEmpty)
        }
    }

    @Test func `a consumer that is dropped leaves by itself`() async throws {
        try await onOwnThread {
            let world = try World()
            var reader: Reader? = Reader(try world.consumer())
            try reader?.read("the assignment") { !$0.consumer.assignment.isEmpty }
            reader = nil
            let second = Reader(try world.consumer())
            try second.read("its partitions") { !$0.consumer.assignment.isEmpty }
            #expect(second.consumer.close(deadline: .seconds(10)))
        }
    }
}
