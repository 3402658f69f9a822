import CoreMetrics
import Kafka
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import WorkerRuntime

/// A relay takes over what another one left in the midst of a transaction; and one that has nothing to do.
extension RelayShardTests {
    private func lease(of shard: Int32) throws -> PostgresRow {
        try connection.query("select producer, owner from outbox_lease where shard = $1", [.int32(shard)]).only()
    }

    @Test func `a former producer that the broker does not refuse keeps its own shards waiting, and no others`() throws
    {
        try connection.script(
            """
            update outbox_lease set owner = 'gone', producer = 't.outbox-gone',
                lease_until = clock_timestamp() + interval '1 hour' where shard = 3
            """
        )
        let relay = relay()
        try relay.visitLeases()
        let producer = try relay.producer()
        try connection.script("update outbox_lease set lease_until = '-infinity' where shard = 3")
        try broker.pushRequestErrors(
            .initProducerID,
            Array(repeating: .coordinatorNotAvailable, count: 10_000)
        )
        try Self.put([.event("other", "1")], in: 4, on: connection)
        try relay.visitLeases()
        #expect(relay.held[3] == nil && relay.held[4] != nil)
        #expect(try relay.publish())
        #expect(try waiting() == 4, "what waits is of the shard that cannot be taken")
        #expect(try relay.producer() === producer)
        #expect(try lease(of: 4).optionalString(0) == producer.id, "who publishes it is who the lease names")
        #expect(try lease(of: 3).optionalString(0) == "t.outbox-gone")
        #expect(try lease(of: 3).optionalString(1) == nil, "another relay may try")
        try broker.clearRequestErrors(.initProducerID)
        try publishAll(relay)
        #expect(try keys(on: "instance.status").sorted() == ["a", "b"])
        #expect(try lease(of: 3).optionalString(0) == producer.id)
        try relay.close()
    }

    @Test func `a relay that has nothing to publish tells its client's statistics all the same`() throws {
        let gauges = ToldGauges()
        var configuration = configuration
        configuration.kafka.properties["statistics.interval.ms"] = "50"
        configuration.kafka.metricsFactory = gauges
        try connection.script("delete from outbox")
        let relay = RelayShards(configuration, owner: "test", connection: connection, logger: configuration.logger)
        relay.held[3] = RelayShard(epoch: 5)
        _ = try relay.producer()
        _ = try eventually("the statistics of a quiet round") {
            _ = try relay.publish()
            return gauges.told.withLock { $0 > 0 } ? true : nil
        }
        try relay.close()
    }
}

/// Counts what is recorded.
private final class ToldGauges: MetricsFactory, RecorderHandler, Sendable {
    let told = Mutex(0)

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler { self }
    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        NOOPMetricsHandler.instance
    }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { NOOPMetricsHandler.instance }
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    func record(_ value: Int64) { told.withLock { $0 += 1 } }
    func record(_ value: Double) { told.withLock { $0 += 1 } }
}
