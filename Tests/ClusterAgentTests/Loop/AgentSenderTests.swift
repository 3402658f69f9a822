import Domain
import Kafka
import TestSupport
import Testing

@testable import ClusterAgent

/// What an agent knows of the way of its messages; the clock is the test's.
@Suite(.timeLimit(.minutes(3)))
struct AgentSenderTests {
    private static func message(_ topic: String) -> AgentMessage {
        AgentMessage(
            topic: topic,
            key: "east",
            type: "slipway.test.v1",
            id: topic,
            epoch: 3,
            sequence: 1,
            instance: nil,
            data: Array("{}".utf8),
            time: 0
        )
    }

    private static func lead(_ topic: String, of fleet: FleetSide, by broker: Int32?) throws {
        let partition = KafkaTopicPartition(topic: fleet.prefix + topic, partition: 0)
        try fleet.kafka.setPartitionLeader(partition, broker: broker)
    }

    /// A fleet with a topic that takes nothing, and a sender.
    private static func cut(_ topic: String) throws -> (FleetSide, AgentSender) {
        let fleet = try FleetSide()
        try lead(topic, of: fleet, by: nil)
        return (fleet, try AgentSender(fleet.configuration(), health: AgentHealth()))
    }

    @Test(arguments: [AgentMessage.status, AgentMessage.changes])
    func `an account waits for what is on its way, which may be cut after two seconds`(topic: String) async throws {
        try await onOwnThread {
            let (fleet, sender) = try Self.cut(topic)
            let mark = AccountMark(number: 1)
            sender.send(Self.message(topic), now: 0)
            sender.finish(mark)
            _ = try sender.work(now: 0)
            #expect(!sender.isHeldUp(at: 2_000_000))
            #expect(sender.isHeldUp(at: 2_000_001))
            #expect(sender.takeAccount() == nil)
            try Self.lead(topic, of: fleet, by: 1)
            let arrived = try eventually("the message's arrival") {
                _ = try sender.work(now: 3_000_000)
                return sender.takeAccount()
            }
            #expect(arrived == mark)
            #expect(!sender.isHeldUp(at: 60_000_000))
            fleet.close()
        }
    }

    @Test(arguments: [AgentMessage.output, AgentMessage.logs])
    func `what is only for people to read holds no account up`(topic: String) async throws {
        try await onOwnThread {
            let (fleet, sender) = try Self.cut(topic)
            sender.send(Self.message(topic), now: 0)
            sender.send(Self.message(AgentMessage.changes), now: 0)
            sender.finish(AccountMark(number: 1))
            _ = try eventually("the arrival of the other one") {
                _ = try sender.work(now: 0)
                return sender.takeAccount()
            }
            #expect(!sender.isHeldUp(at: 60_000_000))
            fleet.close()
        }
    }

    @Test func `at the end everything is sent, also what the producer's queue has no room for at first`() async throws {
        try await onOwnThread {
            let fleet = try FleetSide()
            var configuration = fleet.configuration()
            configuration.kafka.properties["queue.buffering.max.messages"] = "2"
            let sender = try AgentSender(configuration, health: AgentHealth())
            for _ in 1...30 { sender.send(Self.message(AgentMessage.status), now: 0) }
            let place = CommandPlace(partition: 0, offset: 7)
            sender.finish(place)
            #expect(try sender.close(limit: .seconds(60)) == [place])
            #expect(sender.takeLostCount() == 0)
            fleet.close()
        }
    }
}
