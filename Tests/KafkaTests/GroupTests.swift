import Kafka
import Testing

@Suite(.timeLimit(.minutes(2))) struct GroupTests {
    @Test(arguments: ["cooperative-sticky", "range"])
    func `a second member gets half of the partitions and nothing is lost`(strategy: String) async throws {
        try await onOwnThread {
            let world = try World(partitions: 4)
            // A member whose session ends while it joins is never answered by the mock: it joins again after this time.
            let properties = ["partition.assignment.strategy": strategy, "max.poll.interval.ms": "6000"]
            // Positions live outside Kafka: each partition goes on behind what either reader has handled.
            var next: [KafkaTopicPartition: Int64] = [:]
            var seen: [String] = []
            let first = Reader(try world.consumer(properties))
            first.start = { next[$0] ?? 0 }
            func step(_ reader: Reader) throws {
                let known = reader.messages.count
                try reader.step()
                for message in reader.messages.dropFirst(known) {
                    #expect(message.offset == next[message.topicPartition] ?? 0)
                    next[message.topicPartition] = message.offset + 1
                    seen.append(String(decoding: message.valueBytes ?? [], as: UTF8.self))
                }
            }
            for partition in 0..<4 {
                try world.send((0..<50).map { "\(partition)/\($0)" }, partition: Int32(partition))
            }
            _ = try waitFor("the first to read") { () -> Bool? in
                try step(first)
                return seen.count >= 100 ? true : nil
            }
            #expect(first.consumer.assignment.count == 4)
            let second = Reader(try world.consumer(properties))
            second.start = { next[$0] ?? 0 }
            _ = try waitFor("both to own two partitions", limit: .seconds(40)) { () -> Bool? in
                try step(first)
                try step(second)
                return first.consumer.assignment.count == 2 && second.consumer.assignment.count == 2 ? true : nil
            }
            for partition in 0..<4 {
                try world.send((50..<99).map { "\(partition)/\($0)" }, partition: Int32(partition))
            }
            _ = try waitFor("all messages") { () -> Bool? in
                try step(first)
                try step(second)
                return seen.count >= 4 * 99 ? true : nil
            }
            #expect(seen.count == 4 * 99 && Set(seen).count == 4 * 99)
            #expect(first.revocations.allSatisfy { !$0.isLost })
            #expect(Set(first.consumer.assignment).isDisjoint(with: second.consumer.assignment))
            #expect(first.consumer.close(deadline: .seconds(5)))
            _ = try waitFor("the other's partitions") { () -> Bool? in
                try step(second)
                return second.consumer.assignment.count == 4 ? true : nil
            }
            #expect(second.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test(arguments: ["cooperative-sticky", "range"])
    func `nothing is delivered until the owner has answered, and the group waits`(strategy: String) async throws {
        try await onOwnThread {
            let world = try World(partitions: 2)
            try world.send(["a"])
            let consumer = try world.consumer(["partition.assignment.strategy": strategy])
            let given = try waitFor("the assignment") { () -> [KafkaTopicPartition]? in
                guard case .assigned(let partitions) = try consumer.poll(timeout: .milliseconds(50)) else { return nil }
                return partitions
            }
            #expect(given == [world.place(0), world.place(1)])
            for _ in 0..<10 { #expect(try consumer.poll(timeout: .milliseconds(20)) == nil) }
            #expect(consumer.assignment.isEmpty)
            // Half now, half later: the answer needs not be complete.
            try consumer.assign([KafkaPosition(world.place(1), offset: 0)])
            #expect(consumer.assignment == [world.place(1)])
            let end = try waitFor("the end of the first partition") { () -> KafkaPosition? in
                guard case .endOfPartition(let position) = try consumer.poll(timeout: .milliseconds(20)) else {
                    return nil
                }
                return position
            }
            #expect(end == KafkaPosition(world.place(1), offset: 0))
            try consumer.assign([KafkaPosition(world.place(0), offset: 0)])
            #expect(consumer.assignment == given)
            let reader = Reader(consumer)
            try reader.read(1)
            #expect(reader.values == ["a"])
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }

    @Test(arguments: ["cooperative-sticky", "range"])
    func `none is assigned while the group takes partitions back, which then ends`(strategy: String) async throws {
        try await onOwnThread {
            let world = try World(partitions: 2)
            let properties = ["partition.assignment.strategy": strategy, "max.poll.interval.ms": "6000"]
            let consumer = try world.consumer(properties)
            _ = try waitFor("the assignment") { () -> Bool? in
                if case .assigned = try consumer.poll(timeout: .milliseconds(20)) { true } else { nil }
            }
            // Half now; the other half is claimed just when the group takes something back.
            try consumer.assign([KafkaPosition(world.place(1), offset: 0)])
            let second = Reader(try world.consumer(properties))
            let taken = try waitFor("the revocation", limit: .seconds(40)) { () -> [KafkaTopicPartition]? in
                try second.step()
                guard case .revoked(let partitions, _) = try consumer.poll(timeout: .milliseconds(20)) else {
                    return nil
                }
                return partitions
            }
            let error = #expect(throws: KafkaError.self) {
                try consumer.assign([KafkaPosition(world.place(0), offset: 0)])
            }
            #expect(error?.code == .state)
            try consumer.release(taken)
            let first = Reader(consumer)
            _ = try waitFor("the second member's share", limit: .seconds(40)) { () -> Bool? in
                try first.step()
                try second.step()
                return second.consumer.assignment.count == 1 ? true : nil
            }
            #expect(consumer.close(deadline: .seconds(5)))
            #expect(second.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `reading begins at the offset the owner names`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send((0..<10).map { "\($0)" })
            let reader = Reader(try world.consumer())
            reader.start = { _ in 7 }
            try reader.read("the end") { !$0.ends.isEmpty }
            #expect(reader.values == ["7", "8", "9"])
            #expect(reader.ends == [KafkaPosition(world.place(), offset: 10)])
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `an offset outside the partition is a failure, not a silent reset`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send(["a"])
            let reader = Reader(try world.consumer())
            reader.start = { _ in 1_000 }
            try reader.read("the failure") { !$0.failures.isEmpty }
            #expect(reader.failures.first?.code == .offsetReset)
            #expect(reader.failures.first?.topicPartition == world.place())
            #expect(reader.messages.isEmpty)
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a released partition can be assigned again`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send(["a", "b"])
            let reader = Reader(try world.consumer())
            try reader.read(2)
            try reader.consumer.release([world.place()])
            #expect(reader.consumer.assignment.isEmpty)
            try reader.consumer.assign([KafkaPosition(world.place(), offset: 1)])
            try reader.read(3)
            #expect(reader.values == ["a", "b", "b"])
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }
}
