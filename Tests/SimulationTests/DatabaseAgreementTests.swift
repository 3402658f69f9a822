import ClusterAgent
import Foundation
import Kafka
import Logging
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// The simulation's tables answer as PostgreSQL does, to the statements of the real lanes.
@Suite struct DatabaseAgreementTests {
    private static let topic = Topics.requests
    private let connection: PostgresConnection
    private let database = Database()
    private let world: World
    private let store = ClaimStore(group: "group", topic: DatabaseAgreementTests.topic, owner: "lane")

    init() throws {
        connection = try TestDatabase.connect(TestDatabase.make())
        world = World(seed: 0, scale: Scale(requests: 0))
    }

    /// What two lanes do, by turns: the model's and PostgreSQL's answers are compared one by one.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `claims, fence, ledger and inbox`(seed: UInt64) throws {
        var dice = SeededRandom(seed: seed)
        var claims: [[Int: PartitionClaim]] = [[:], [:]]
        for step in 1...150 {
            let lane = Int.random(in: 0...1, using: &dice)
            let partition = Int.random(in: 0...2, using: &dice)
            guard let held = claims[lane][partition], !dice.happens(percent: 20) else {
                claims[lane][partition] = try claim(partition)
                continue
            }
            let advanced = try handle(
                partition,
                held,
                id: "r\(Int.random(in: 1...40, using: &dice))",
                digest: dice.happens(percent: 90) ? 1 : 2,
                fails: dice.happens(percent: 20)
            )
            if let advanced { claims[lane][partition]?.nextOffset = advanced }
            try expectSameRows(step)
        }
    }

    @Test func `what came since the end was seen does not count as read, and what counted once stays so`() throws {
        let claim = try claim(0)
        func note(secondsAgo: Int64) throws {
            let until = try store.now(on: connection) - secondsAgo * 1_000_000
            let end = ConsumedPartition(partition: 0, epoch: claim.epoch, end: 0, until: until)
            #expect(try store.note([end], on: connection) == [])
        }
        func text(_ expression: String) throws -> Bool {
            try connection.query("select \(expression) from partition_claim").only().bool(0)
        }
        try note(secondsAgo: 60)
        #expect(try text("consumed_until <= clock_timestamp() - interval '60 seconds'"))
        try note(secondsAgo: 0)
        #expect(try text("consumed_until > clock_timestamp() - interval '60 seconds'"))
        try note(secondsAgo: 600)
        #expect(try text("consumed_until > clock_timestamp() - interval '60 seconds'"))
    }

    private func claim(_ partition: Int) throws -> PartitionClaim {
        let watermarks = KafkaWatermarks(low: 0, high: 1_000_000)
        let logger = Logger(label: "test")
        let real = try store.claim(Int32(partition), watermarks: watermarks, on: connection, logger: logger) {
            watermarks
        }
        let name = ClaimName(topic: Self.topic, partition: partition)
        let model = try database.transaction(at: 1) {
            var row = database.claims[name] ?? ClaimRow()
            row.epoch += 1
            database.claims[name] = row
            return PartitionClaim(epoch: row.epoch, nextOffset: row.nextOffset)
        }
        #expect(real.epoch == model.epoch && real.nextOffset == model.nextOffset)
        return model
    }

    /// One message in one transaction, in both; returns where the claim stands if it was not fenced.
    private func handle(
        _ partition: Int,
        _ claim: PartitionClaim,
        id: String,
        digest: UInt8,
        fails: Bool
    ) throws -> Int64? {
        let key = InboxKey(caller: "somebody", source: "/test", id: id, digest: [digest])
        let message = Message(
            topic: Self.topic,
            key: "k",
            body: .command(.helloRequested, id: id),
            time: 1,
            partition: partition,
            offset: claim.nextOffset
        )
        let real = outcome { try handleReally(message, claim, key, fails: fails) }
        let model = outcome { try handleInModel(message, claim, key, fails: fails) }
        #expect(real == model)
        return model == "fenced" || model == "failed" ? nil : claim.nextOffset + 1
    }

    private func handleReally(
        _ message: Message,
        _ claim: PartitionClaim,
        _ key: InboxKey,
        fails: Bool
    ) throws -> Admission {
        var span = Span(
            partition: Int32(message.partition),
            epoch: claim.epoch,
            from: claim.nextOffset,
            to: claim.nextOffset + 1,
            lastOffset: message.offset,
            lastTimestamp: 1
        )
        return try connection.transaction { (transaction: borrowing PostgresTransaction) in
            let now = try store.fence([span], in: transaction)
            let entry = Entry(message, message: message.view)
            try Inbox(reach: .seconds(3_000_000_000)).admit([(entry, key)], now: now, in: transaction)
            if fails { throw Reason(code: "failed", sentence: "It fails.") }
            span.tally.count(Self.outcome(of: entry.admission))
            try store.advance([span], in: transaction)
            return entry.admission
        }
    }

    private func handleInModel(
        _ message: Message,
        _ claim: PartitionClaim,
        _ key: InboxKey,
        fails: Bool
    ) throws -> Admission {
        let handler = FailingHandler(fails: fails)
        let lane = SimulatedLane(Self.topic, id: 1, handler, over: database, in: world)
        lane.claims[message.partition] = claim
        let held = SimulatedLane.Held(message: message, epoch: claim.epoch, refusal: nil, inboxKey: key)
        return try database.transaction(at: 1) {
            _ = try lane.transact([held], at: 1)
            return handler.admission
        }
    }

    private func outcome(_ body: () throws -> Admission) -> String {
        do {
            return switch try body() {
            case .first: "first"
            case .repeated: "repeated"
            case .idReused: "reused"
            case .tooOld: "old"
            }
        } catch {
            if case .fenced = Failure.classify(error) { return "fenced" }
            return "failed"
        }
    }

    fileprivate static func outcome(of admission: Admission) -> Outcome {
        switch admission {
        case .first, .tooOld: .applied
        case .repeated: .repeated
        case .idReused: .rejected(.dropped)
        }
    }

    private func expectSameRows(_ step: Int) throws {
        let rows = try connection.query(
            "select partition, epoch, next_offset, consumed, applied, repeated, rejected from partition_claim order by 1"
        ).map { row in try (0..<7).map { $0 == 0 ? Int64(try row.int32(0)) : try row.int64($0) } }
        let model = database.claims.rows.sorted { $0.key.partition < $1.key.partition }.map { name, row in
            [
                Int64(name.partition), row.epoch, row.nextOffset, Int64(row.tally.consumed), Int64(row.tally.applied),
                Int64(row.tally.repeated), Int64(row.tally.rejected),
            ]
        }
        #expect(rows == model, "step \(step)")
    }
}

/// Takes one message and says what the inbox said of it.
private final class FailingHandler: SimulatedHandler {
    let fails: Bool
    private(set) var admission = Admission.first

    init(fails: Bool) {
        self.fails = fails
    }

    func handle(_ batch: SimulatedBatch) throws {
        if fails { throw Reason(code: "failed", sentence: "It fails.") }
        for entry in batch.entries {
            admission = entry.admission
            entry.outcome = DatabaseAgreementTests.outcome(of: entry.admission)
        }
    }
}
