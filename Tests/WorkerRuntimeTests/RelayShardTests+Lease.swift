import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// A relay's leases end while it waits for the broker.
extension RelayShardTests {
    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func `what a relay could not send within its lease never arrives behind a newer state`(transactional: Bool) throws {
        var configuration = configuration
        configuration.isTransactional = transactional
        configuration.leaseDuration = .seconds(1)
        configuration.brokerPatience = .seconds(60)
        configuration.kafka.properties["message.timeout.ms"] = "600000"
        if transactional { configuration.kafka.properties["transaction.timeout.ms"] = "600000" }
        let slow = RelayShards(configuration, owner: "slow", connection: connection, logger: configuration.logger)
        try slow.visitLeases()
        try broker.setBrokerDown()
        let error = try #require(throws: KafkaError.self) { try slow.publish() }
        #expect(error.code == .timedOut)
        try slow.startAnew(after: error)
        try broker.setBrokerUp()

        let next = RelayShards(self.configuration, owner: "next", connection: connection, logger: configuration.logger)
        try Self.put([.status("a", "3")], on: connection)
        _ = try eventually("the lease") {
            try next.visitLeases()
            return next.held[3]
        }
        while try next.publish() {}
        let reader = try KafkaReader(broker.settings)
        try reader.read(["t.instance.status"], fromBeginning: true)
        var last: [String: String] = [:]
        while !reader.isAtEnd {
            guard let state = try reader.next(timeout: .milliseconds(200)) else { continue }
            last[try #require(state.key)] = state.valueBytes.map { String(decoding: $0, as: UTF8.self) }
        }
        reader.close()
        #expect(last == ["a": "3", "b": "1"])
        try next.close()
    }

    @Test func `the shards of a relay that stops go to the others at once`() throws {
        try connection.script("update outbox_lease set lease_until = '-infinity', owner = null")
        let all = try connection.query("select 1 from outbox_lease").count
        let (one, other) = (relay("one"), relay("other"))
        try one.visitLeases()
        #expect(one.held.count == all)
        for relay in [other, one, other] { try relay.visitLeases() }
        #expect(one.held.count + other.held.count == all && !other.held.isEmpty)
        try one.close()
        try other.visitLeases()
        #expect(other.held.count == all)
        try other.close()
    }

    @Test(arguments: [false, true])
    func `a relay that reaches the database and no broker leaves all shards to the others`(transactional: Bool) throws {
        try connection.script("update outbox_lease set lease_until = '-infinity', owner = null")
        let all = try connection.query("select 1 from outbox_lease").count
        var configuration = configuration
        configuration.isTransactional = transactional
        configuration.brokerPatience = .milliseconds(200)
        // Nobody listens there.
        configuration.kafka.bootstrapServers = "127.0.0.1:1"
        let lost = RelayShards(configuration, owner: "lost", connection: connection, logger: configuration.logger)
        let other = relay("other")
        for relay in [lost, other, lost, other] { try relay.visitLeases() }
        #expect(lost.held.isEmpty)
        #expect(other.held.count == all)
        #expect(try connection.query("select owner from outbox_relay").map { try $0.string(0) } == ["other"])
        try lost.close()
        try other.close()
    }

    @Test func `a relay whose producer has failed counts no more among the others until it has another one`() throws {
        try connection.script("update outbox_lease set lease_until = '-infinity', owner = null")
        var configuration = configuration
        configuration.brokerPatience = .seconds(1)
        let relay = RelayShards(configuration, owner: "relay", connection: connection, logger: configuration.logger)
        let sharing = { try connection.query("select 1 from outbox_relay").count }
        func takePart() throws {
            _ = try eventually("a producer") {
                try relay.visitLeases()
                return relay.held.isEmpty ? nil : true
            }
            #expect(try sharing() == 1)
        }
        try takePart()
        try broker.setBrokerDown()
        try relay.startAnew(after: KafkaError(.transport, operation: "publish"))
        try relay.visitLeases()
        #expect(try relay.held.isEmpty && sharing() == 0)
        try broker.setBrokerUp()
        try takePart()
        try relay.close()
    }

    private func relay(_ owner: String) -> RelayShards {
        RelayShards(configuration, owner: owner, connection: connection, logger: configuration.logger)
    }

    @Test func `a broker that takes too little within a lease is given less, and more again when it takes that`() throws
    {
        for _ in 1...6 { try Self.put([.event("c", "2")], on: connection) }
        var configuration = configuration
        configuration.batchRows = 4
        let relay = RelayShards(configuration, owner: "test", connection: connection, logger: configuration.logger)
        var rounds: [Int64] = []
        func round() throws {
            relay.held[3] = RelayShard(epoch: 5)
            let before = try waiting()
            _ = try relay.publish()
            rounds.append(before - (try waiting()))
        }
        for _ in 1...3 {
            relay.leaseEnd = .now
            let error = try #require(throws: KafkaError.self) { try round() }
            try relay.startAnew(after: error)
        }
        relay.leaseEnd = .now + configuration.leaseDuration
        for _ in 1...3 { try round() }
        // Two rows of two messages each, then rows of one: one row, two, four.
        #expect(rounds == [2, 3, 4])
        try relay.close()
    }

    @Test func `a relay sends nothing when its lease is over`() throws {
        shards.leaseEnd = .now
        #expect(throws: KafkaError.self) { try shards.publish() }
        #expect(try waiting() == 4)
    }
}
