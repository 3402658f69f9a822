import Foundation
import Kafka
import Postgres

/// Waits until a fleet that nobody disturbs has nothing left to do.
final class Settling {
    private let world: ChaosWorld
    private let reader: KafkaConsumer
    private let connection: PostgresConnection

    init(_ world: ChaosWorld) throws {
        self.world = world
        connection = try world.database()
        reader = try KafkaConsumer(world.kafka, group: "slipway-chaos", topics: [])
    }

    func close() {
        connection.close()
        _ = reader.close(deadline: .seconds(1))
    }

    /// Waits until all of it has been quiet for three seconds.
    ///
    /// - Parameter isIdle: Whether the agents have stopped, so that nothing comes any more.
    /// - Returns: What is left when the limit is over; nothing where all is settled.
    func wait(limit: Duration, isIdle: Bool) throws -> [String] {
        let end = ContinuousClock.now + limit
        var quietSince: ContinuousClock.Instant?
        var left: [String] = []
        while ContinuousClock.now < end {
            left = try whatIsLeft(isIdle: isIdle)
            if left.isEmpty {
                let since = quietSince ?? .now
                quietSince = since
                if ContinuousClock.now - since > .seconds(3) { return [] }
            } else {
                quietSince = nil
            }
            try world.fleet.watch()
            Thread.sleep(forTimeInterval: 0.3)
        }
        return left
    }

    private func whatIsLeft(isIdle: Bool) throws -> [String] {
        var left: [String] = []
        for (what, sql) in Self.counts {
            let count = try connection.query(sql).only().int64(0)
            if count > 0 { left.append("\(count) \(what)") }
        }
        // As long as agents speak there is always something on its way from them.
        for (place, lag) in try lags(isIdle ? [] : ["deployment.requests", "release.events"]) {
            left.append("\(lag) messages of \(place) not consumed")
        }
        return left
    }

    /// The partitions of some topics, or of all, of which messages were not consumed, and how many.
    private func lags(_ topics: [String]) throws -> [(place: KafkaTopicPartition, lag: Int64)] {
        var lags: [(KafkaTopicPartition, Int64)] = []
        let rows = try connection.query(
            """
            select topic, partition, next_offset from partition_claim where $1::text[] = '{}' or topic = any($1)
            union all
            select $2, number, 0 from generate_series(0, $3 - 1) number
            where not exists (select from partition_claim where topic = $2 and partition = number)
            """,
            [
                .array(.texts(topics)), .text(ChaosWorld.requests),
                .int32(Int32(world.grows ? ChaosWorld.grownPartitions : 0)),
            ]
        )
        for row in rows {
            let place = KafkaTopicPartition(topic: ChaosWorld.prefix + (try row.string(0)), partition: try row.int32(1))
            let lag = try reader.watermarks(of: place, timeout: .seconds(5)).high - (try row.int64(2))
            if lag > 0 { lags.append((place, lag)) }
        }
        return lags
    }

    private static let counts = [
        (
            "commands are open",
            "select count(*) from command where state in ('accepted', 'sent', 'acknowledged', 'applied')"
        ),
        (
            "messages are in the outbox",
            "select (select coalesce(sum(messages), 0)::bigint from outbox) + (select count(*) from outbox_republish)"
        ),
        ("messages are parked", "select count(*) from parked_message"),
        ("snapshots are awaited", "select count(*) from resource_stream where snapshot_wanted"),
    ]
}
