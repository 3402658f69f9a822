import Kafka
import Testing

@Suite(.timeLimit(.minutes(1))) struct MembershipTests {
    @Test func `a member proves its membership and the group keeps the offset`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send(["a", "b"])
            let reader = Reader(try world.consumer())
            try reader.read(2)
            try reader.consumer.proveMembership([KafkaPosition(world.place(), offset: 1)])
            let committed = try reader.consumer.committed([world.place()], timeout: .seconds(5))
            #expect(committed == [KafkaPosition(world.place(), offset: 1)])
            try reader.consumer.proveMembership([])
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `before the group knows the consumer there is nothing to prove`() async throws {
        try await onOwnThread {
            let world = try World()
            let consumer = try world.consumer()
            let error = #expect(throws: KafkaError.self) {
                try consumer.proveMembership([KafkaPosition(world.place(), offset: 0)])
            }
            #expect(error?.isStaleMember == true)
            #expect(consumer.close(deadline: .seconds(5)))
        }
    }

    @Test(arguments: [KafkaError.Code.unknownMember, .illegalGeneration, .fencedInstance])
    func `a stale member is told so, loses the assignment and can join again`(code: KafkaError.Code) async throws {
        try await onOwnThread {
            let world = try World()
            try world.send(["a"])
            let reader = Reader(try world.consumer())
            try reader.read(1)
            try world.cluster.pushRequestErrors(.offsetCommit, [code])
            let error = #expect(throws: KafkaError.self) {
                try reader.consumer.proveMembership([KafkaPosition(world.place(), offset: 1)])
            }
            #expect(error?.isStaleMember == true)
            #expect(error?.code == code)
            guard code != .fencedInstance else { return }
            try reader.read("the loss") { !$0.revocations.isEmpty }
            #expect(reader.revocations.first?.isLost == true)
            try reader.read("another assignment") { $0.assignments == 2 }
            try reader.consumer.proveMembership([KafkaPosition(world.place(), offset: 1)])
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `the answer to an assignment that waited too long fails its proof`() async throws {
        try await onOwnThread {
            let world = try World()
            // The owner stops polling with the assignment in hand; the group gives up on it and takes another.
            let slow = try world.consumer(["max.poll.interval.ms": "4000"])
            _ = try waitFor("the assignment") { () -> Bool? in
                if case .assigned = try slow.poll(timeout: .milliseconds(50)) { true } else { nil }
            }
            let other = Reader(try world.consumer())
            try other.read("the partition", limit: .seconds(40)) { !$0.consumer.assignment.isEmpty }
            let error = #expect(throws: KafkaError.self) {
                try slow.proveMembership([KafkaPosition(world.place(), offset: 0)])
            }
            #expect(error?.isStaleMember == true)
            try other.consumer.proveMembership([KafkaPosition(world.place(), offset: 0)])
            #expect(slow.close(deadline: .seconds(5)))
            #expect(other.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a rebalance in progress is told apart from a lost membership`() async throws {
        try await onOwnThread {
            let world = try World()
            let reader = Reader(try world.consumer())
            try reader.read("the assignment") { !$0.consumer.assignment.isEmpty }
            try world.cluster.pushRequestErrors(.offsetCommit, [.rebalanceInProgress])
            let error = #expect(throws: KafkaError.self) {
                try reader.consumer.proveMembership([KafkaPosition(world.place(), offset: 0)])
            }
            #expect(error?.isRebalanceInProgress == true && error?.isStaleMember == false)
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }
}
