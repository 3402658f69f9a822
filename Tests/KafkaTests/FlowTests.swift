import Kafka
import Testing

@Suite(.timeLimit(.minutes(1))) struct FlowTests {
    @Test func `pausing in the middle of a backlog loses and repeats nothing`() async throws {
        try await onOwnThread {
            let world = try World(partitions: 2)
            try world.send((0..<500).map { "a\($0)" }, partition: 0)
            try world.send((0..<500).map { "b\($0)" }, partition: 1)
            let reader = Reader(try world.consumer(["fetch.wait.max.ms": "20"]))
            let (left, right) = (world.place(0), world.place(1))
            try reader.read("some of the left") { $0.messages.contains { $0.partition == 0 } }
            for round in 1...20 {
                let paused = round.isMultiple(of: 2) ? [left] : [left, right]
                try reader.consumer.pause(paused)
                #expect(reader.consumer.pausedPartitions == paused)
                #expect(reader.consumer.isPaused(left))
                let known = reader.messages.count
                for _ in 0..<10 { try reader.step(.zero) }
                #expect(reader.messages.dropFirst(known).allSatisfy { !paused.contains($0.topicPartition) })
                // What was not paused here is not touched, though it is named.
                try reader.consumer.resume([left, right])
                #expect(reader.consumer.pausedPartitions.isEmpty)
                try reader.read(min(known + 20, 1000))
            }
            try reader.read(1000)
            for partition: Int32 in 0...1 {
                let offsets = reader.messages.filter { $0.partition == partition }.map(\.offset)
                #expect(offsets == Array(0..<500))
            }
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a queue that is small is filled again in time`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send(
                (0..<1000).map { KafkaRecord(topic: world.topic, value: Array("message \($0)".utf8)) },
                ["batch.num.messages": "20"]
            )
            // librdkafka alone would fetch again after a second each time: fifty seconds in all.
            let reader = Reader(
                try world.consumer(["queued.min.messages": "1", "fetch.message.max.bytes": "2000"])
            )
            try reader.read("1000 messages", limit: .seconds(30)) { $0.messages.count >= 1000 }
            #expect(reader.messages.map(\.offset) == Array(0..<1000))
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a partition paused before its first message begins at its start`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send((0..<10).map { "\($0)" })
            let reader = Reader(try world.consumer())
            reader.start = { _ in 4 }
            try reader.read("the assignment") { !$0.consumer.assignment.isEmpty }
            try reader.consumer.pause([world.place()])
            for _ in 0..<20 { try reader.step() }
            #expect(reader.messages.isEmpty)
            try reader.consumer.resume([world.place()])
            try reader.read(6)
            #expect(reader.values == ["4", "5", "6", "7", "8", "9"])
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `resuming what was not paused repeats nothing`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send((0..<10).map { "\($0)" })
            let reader = Reader(try world.consumer())
            try reader.read(10)
            try reader.consumer.resume([world.place()])
            try world.send(["10"])
            try reader.read(11)
            #expect(reader.messages.map(\.offset) == Array(0...10))
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a seek goes back and forward, also at once after the assignment`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send((0..<10).map { "\($0)" })
            let reader = Reader(try world.consumer())
            try reader.read("the assignment") { !$0.consumer.assignment.isEmpty }
            try reader.consumer.seek(to: KafkaPosition(world.place(), offset: 8), timeout: .seconds(5))
            try reader.read(2)
            #expect(reader.values == ["8", "9"])
            try reader.consumer.seek(to: KafkaPosition(world.place(), offset: 3), timeout: .seconds(5))
            try reader.read(4)
            #expect(reader.values == ["8", "9", "3", "4"])
            try reader.consumer.seek(
                to: KafkaPosition(world.place(), offset: KafkaPosition.beginning),
                timeout: .seconds(5)
            )
            try reader.read(5)
            #expect(reader.values.last == "0")
            #expect(throws: KafkaError.self) {
                try reader.consumer.seek(to: KafkaPosition(world.place(7), offset: 3), timeout: .seconds(1))
            }
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test(arguments: ["cooperative-sticky", "range"])
    func `a seek goes on after an offset that was not there, and keeps a pause`(strategy: String) async throws {
        try await onOwnThread {
            let world = try World()
            try world.send((0..<3).map { "\($0)" })
            let reader = Reader(try world.consumer(["partition.assignment.strategy": strategy]))
            reader.start = { _ in 50 }
            try reader.read("the failure") { !$0.failures.isEmpty }
            #expect(reader.failures.map(\.code) == [.offsetReset])
            try reader.consumer.pause([world.place()])
            try reader.consumer.seek(to: KafkaPosition(world.place(), offset: 1), timeout: .seconds(5))
            #expect(reader.consumer.pausedPartitions == [world.place()])
            for _ in 0..<10 { try reader.step() }
            #expect(reader.messages.isEmpty)
            try reader.consumer.resume([world.place()])
            try reader.read(2)
            #expect(reader.values == ["1", "2"])
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }
}
