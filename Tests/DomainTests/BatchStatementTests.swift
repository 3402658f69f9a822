import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What a batch on the hot path asks of the server, which decides how fast it is where the server is further away.
///
/// A budget that no machine's speed changes, as that of instructions is.
@Suite struct BatchStatementTests {
    /// BEGIN, the fence, three reads, the objects and streams, the locks of instances, the outbox, the ledger, COMMIT.
    private static let statements = 11
    /// The reads; the objects and the locks of instances; COMMIT with the rest.
    private static let waits = 3

    private let world: ResourceWorld
    private let claims = ClaimStore(group: "g", topic: "t", owner: "lane")

    init() throws {
        world = try ResourceWorld()
        try world.connection.script(
            """
            insert into partition_claim (consumer_group, topic, partition, epoch, next_offset)
                values ('g', 't', 0, 1, 0)
            """
        )
    }

    /// One batch as a lane does it; every object has a new generation, so that there is something to publish of each.
    private func handle(_ round: Int64, objects: Int) throws -> PostgresTraffic {
        let first = (round - 1) * Int64(objects)
        let messages = (1...objects).map { number in
            AgentMessage.changed(
                AgentMessage.deployment("web-\(number)", generation: round),
                1,
                first + Int64(number),
                instance: "web-1"
            )
        }
        var entries: [Entry<ResourceMessage>] = []
        for message in messages { entries.append(Entry(try world.handler.decode(message), message: message)) }
        var span = Span(
            partition: 0,
            epoch: 1,
            from: first,
            to: first + Int64(objects),
            lastOffset: first + Int64(objects) - 1,
            lastTimestamp: 1000
        )
        for _ in entries { span.tally.count(.applied) }
        let before = world.connection.traffic
        try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let fence = try claims.submitFence([span], in: transaction)
            try world.handler.prepare(entries, in: transaction)
            let batch = Batch(entries, now: try claims.now(of: fence, in: transaction))
            try world.handler.handle(batch, in: transaction)
            #expect(batch.outbox.records.count >= objects)
            try OutboxTable(shards: 8).insert(batch.outbox.records, in: transaction)
            try claims.advance([span], in: transaction)
        }
        return world.connection.traffic - before
    }

    @Test(arguments: [1, 300]) func `a batch keeps to its statements and waits, however many messages it has`(
        objects: Int
    ) throws {
        // Statements are prepared in the first, and the objects are new to their instance.
        for round in 1...2 { _ = try handle(Int64(round), objects: objects) }
        let spent = try handle(3, objects: objects)
        #expect(spent.statements <= Self.statements, "\(spent)")
        #expect(spent.waits <= Self.waits, "\(spent)")
    }
}
