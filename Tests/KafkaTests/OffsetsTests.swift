import Kafka
import Testing

@Suite(.timeLimit(.minutes(1))) struct OffsetsTests {
    @Test func `stored offsets are committed and others see them`() async throws {
        try await onOwnThread {
            let world = try World(partitions: 2)
            try world.send(["a", "b", "c"])
            let reader = Reader(try world.consumer())
            try reader.read(3)
            try reader.consumer.commit(wait: true)  // Nothing stored yet: not an error.
            let both = [world.place(0), world.place(1)]
            #expect(try reader.consumer.committed(both, timeout: .seconds(5)).isEmpty)
            try reader.consumer.storeOffset(KafkaPosition(world.place(), offset: 2))
            try reader.consumer.commit(wait: true)
            let expected = [KafkaPosition(world.place(), offset: 2)]
            #expect(try reader.consumer.committed(both, timeout: .seconds(5)) == expected)

            let admin = try KafkaAdmin(world.settings())
            #expect(try admin.committed(group: "readers", both, timeout: .seconds(5)) == expected)
            let lags = try admin.lag(group: "readers", topics: [world.topic, "absent"], timeout: .seconds(5))
            #expect(lags.map(\.topicPartition) == both)
            #expect(lags.map(\.committed) == [2, nil])
            #expect(lags.map(\.lag) == [1, 0])

            try reader.consumer.storeOffset(KafkaPosition(world.place(), offset: 3))
            try reader.consumer.commit(wait: false)
            _ = try waitFor("the commit") { () -> Bool? in
                try admin.committed(group: "readers", both, timeout: .seconds(5)).first?.offset == 3 ? true : nil
            }
            admin.close()
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `an offset of a partition that was given back is passed over`() async throws {
        try await onOwnThread {
            let world = try World(partitions: 2)
            let reader = Reader(try world.consumer())
            try reader.read("the assignment") { $0.consumer.assignment.count == 2 }
            try reader.consumer.release([world.place(1)])
            try reader.consumer.storeOffset(KafkaPosition(world.place(1), offset: 9))
            let both = [KafkaPosition(world.place(0), offset: 4), KafkaPosition(world.place(1), offset: 9)]
            try reader.consumer.storeOffsets(both)
            try reader.consumer.commit(wait: true)
            let committed = try reader.consumer.committed([world.place(0), world.place(1)], timeout: .seconds(5))
            #expect(committed == [KafkaPosition(world.place(0), offset: 4)])
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `the watermarks are the partition's two ends`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send(["a", "b"])
            let consumer = try world.consumer()
            let marks = try consumer.watermarks(of: world.place(), timeout: .seconds(5))
            #expect(marks == KafkaWatermarks(low: 0, high: 2))
            #expect(throws: KafkaError.self) { try consumer.watermarks(of: world.place(7), timeout: .seconds(1)) }
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a broker that is away keeps nobody for longer than he wants to wait`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send(["a", "b"])
            let consumer = try world.consumer()
            #expect(try consumer.ends(of: [world.place()], timeout: .seconds(5)) == [world.place(): 2])
            try world.cluster.setBrokerDown()
            let error = #expect(throws: KafkaError.self) {
                try consumer.watermarks(of: world.place(), timeout: .seconds(1))
            }
            #expect(error?.code == .timedOut)
            #expect(throws: KafkaError.self) { try consumer.ends(of: [world.place()], timeout: .seconds(1)) }
            try world.cluster.setBrokerUp()
            var ends: [KafkaTopicPartition: Int64] = [:]
            while ends.isEmpty { ends = (try? consumer.ends(of: [world.place()], timeout: .seconds(1))) ?? [:] }
            #expect(ends == [world.place(): 2])
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a leader that is away keeps nobody from what the others answer`() async throws {
        try await onOwnThread {
            let world = try World(partitions: 2, brokers: 2)
            try world.cluster.setPartitionLeader(world.place(0), broker: 1)
            try world.cluster.setPartitionLeader(world.place(1), broker: 2)
            try world.send(["a", "b"])
            try world.send(["c"], partition: 1)
            let consumer = try world.consumer()
            let both = [world.place(0), world.place(1)]
            #expect(try consumer.ends(of: both, timeout: .seconds(10)) == [world.place(0): 2, world.place(1): 1])
            try world.cluster.setBrokerDown(2)
            #expect(try consumer.ends(of: both, timeout: .seconds(8)) == [world.place(0): 2])
            _ = consumer.close(deadline: .seconds(5))
        }
    }

    @Test func `who leads instead of a broker that died is known before anything is assigned`() async throws {
        try await onOwnThread {
            let world = try World(brokers: 2)
            try world.cluster.setCoordinator(group: "readers", broker: 1)
            try world.cluster.setPartitionLeader(world.place(), broker: 2)
            try world.send(["a", "b"])
            let consumer = try world.consumer()
            _ = try waitFor("the assignment") { () -> Bool? in
                if case .assigned = try consumer.poll(timeout: .milliseconds(20)) { true } else { nil }
            }
            let marks = KafkaWatermarks(low: 0, high: 2)
            #expect(try consumer.watermarks(of: world.place(), timeout: .seconds(10)) == marks)
            try world.cluster.setBrokerDown(2)
            // Nobody leads yet when the client loses its connection, and asks.
            #expect(throws: KafkaError.self) { try consumer.watermarks(of: world.place(), timeout: .seconds(1)) }
            try world.cluster.setPartitionLeader(world.place(), broker: 1)
            let later = try waitFor("the new leader") { () -> KafkaWatermarks? in
                try? consumer.watermarks(of: world.place(), timeout: .seconds(1))
            }
            #expect(later == marks)
            try world.cluster.setBrokerUp(2)
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a leader that comes later is known before anything is assigned`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.cluster.setPartitionLeader(world.place(), broker: nil)
            let consumer = try world.consumer()
            _ = try waitFor("the assignment") { () -> Bool? in
                if case .assigned = try consumer.poll(timeout: .milliseconds(20)) { true } else { nil }
            }
            #expect(throws: KafkaError.self) { try consumer.watermarks(of: world.place(), timeout: .seconds(1)) }
            try world.cluster.setPartitionLeader(world.place(), broker: 1)
            let marks = try waitFor("the leader") { () -> KafkaWatermarks? in
                try? consumer.watermarks(of: world.place(), timeout: .seconds(1))
            }
            #expect(marks == KafkaWatermarks(low: 0, high: 0))
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `who asks for ends without waiting is told them later`() async throws {
        try await onOwnThread {
            let world = try World(partitions: 2)
            try world.send(["a", "b"])
            let consumer = try world.consumer()
            let both = [world.place(0), world.place(1)]
            let question = try consumer.askForEnds(of: both, timeout: .seconds(10))
            let answer = try waitFor("the answer") { question.answer }
            #expect(try answer.get() == [world.place(0): 2, world.place(1): 0])
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `behind a fetch that hangs no end is told, and it is given up in less than a minute`() async throws {
        try await onOwnThread {
            let world = try World()
            let settings = world.settings(["fetch.wait.max.ms": "10"])
            let consumer = try KafkaConsumer(settings, group: "readers", topics: [])
            try consumer.assign([KafkaPosition(world.place(), offset: 0)])
            _ = try waitFor("the end") { () -> Bool? in
                guard case .endOfPartition? = try consumer.poll(timeout: .milliseconds(20)) else { return nil }
                return true
            }
            try world.cluster.pushRequestDelay(.fetch, .seconds(300))
            // Until that fetch is on its way, ends are told.
            let error = try waitFor("no answer", limit: .seconds(40)) { () -> KafkaError? in
                let question = try consumer.askForEnds(of: [world.place()], timeout: .seconds(1))
                let answer = try waitFor("an answer, or none") { question.answer }
                guard case .failure(let error) = answer else { return nil }
                return error
            }
            #expect(error.code == .timedOut)
            try world.send(["a"])
            let message = try waitFor("the message", limit: .seconds(40)) { () -> KafkaMessage? in
                guard case .message(let message)? = try consumer.poll(timeout: .milliseconds(20)) else { return nil }
                return message
            }
            #expect(message.offset == 0)
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `one commit is under way at a time, and the next one follows it`() async throws {
        try await onOwnThread {
            let world = try World()
            let consumer = try KafkaConsumer(world.settings(), group: "readers", topics: [])
            try consumer.assign([KafkaPosition(world.place(), offset: 0)])
            try consumer.storeOffset(KafkaPosition(world.place(), offset: 5))
            // Each request that arrives takes one of them; the first is under way for a while.
            try world.cluster.pushRequestDelay(.offsetCommit, .seconds(5), .rebalanceInProgress)
            try world.cluster.pushRequestDelay(.offsetCommit, .zero, .groupAuthorizationFailed)
            try consumer.commit(wait: false)
            try consumer.commit(wait: false)
            let error = #expect(throws: KafkaError.self) { try consumer.commit(wait: true, timeout: .seconds(20)) }
            #expect(error?.code == .groupAuthorizationFailed)
            _ = try waitFor("the commit that was put off") { () -> Bool? in
                _ = try consumer.poll(timeout: .milliseconds(20))
                return try consumer.committed([world.place()], timeout: .seconds(5)).first?.offset == 5 ? true : nil
            }
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a failed commit says what failed`() async throws {
        try await onOwnThread {
            let world = try World()
            let reader = Reader(try world.consumer())
            try reader.read("the assignment") { !$0.consumer.assignment.isEmpty }
            try reader.consumer.storeOffset(KafkaPosition(world.place(), offset: 5))
            try world.cluster.pushRequestErrors(.offsetCommit, [.groupAuthorizationFailed])
            let error = #expect(throws: KafkaError.self) { try reader.consumer.commit(wait: true) }
            #expect(error?.code == .groupAuthorizationFailed)
            #expect(error?.description.hasPrefix("cannot commit offsets") == true)
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }
}
