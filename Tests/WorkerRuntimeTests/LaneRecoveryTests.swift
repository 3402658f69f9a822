import Kafka
import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import WorkerRuntime

/// What a lane bears of its database.
@Suite struct LaneRecoveryTests {
    private let broker: KafkaMockCluster
    private let url: String
    private let connection: PostgresConnection
    private let configuration: LaneConfiguration

    init() throws {
        broker = try KafkaMockCluster()
        try broker.createTopic("t.things", partitions: 1)
        url = try TestDatabase.make()
        connection = try TestDatabase.connect(url)
        var kafka = broker.settings
        kafka.properties["session.timeout.ms"] = "6000"
        var database = PostgresConfiguration(url: url)
        database.lockTimeout = nil
        configuration = LaneConfiguration(
            worker: "tester",
            topic: "things",
            topicPrefix: "t.",
            kafka: kafka,
            database: database,
            logger: Logger(label: "test")
        )
    }

    private func send(_ key: String) throws {
        let producer = try KafkaProducer(broker.settings)
        let bytes = Array(key.utf8)
        try producer.send(KafkaRecord(topic: "t.things", partition: 0, key: bytes, value: bytes), tag: 0)
        _ = try producer.flush(timeout: .seconds(30))
        producer.close()
    }

    /// Waits until so many messages were handled, or the lane has ended.
    private func waitForMessages(_ count: Int64, in lane: RunningLane) throws {
        _ = try eventually("\(count) messages, or the lane's end") {
            let applied = try connection.query("select applied from partition_claim").first?.int64(0) ?? 0
            return applied == count || lane.result != nil ? true : nil
        }
    }

    /// A session that has locked a table, until it is closed.
    private func lock(_ table: String) throws -> PostgresConnection {
        let holder = try TestDatabase.connect(url)
        try holder.script("set idle_in_transaction_session_timeout = 0")
        try holder.script("begin; lock table \(table)")
        return holder
    }

    @Test func `a statement outside of a batch that somebody cancels ends no lane`() throws {
        let lane = RunningLane(configuration) { _ in }
        try send("before")
        try waitForMessages(1, in: lane)
        let holder = try lock("parked_key")
        let waiting = "from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        let found = try eventually("the lane asks for parked messages") {
            try connection.query("select pid, query_start::text \(waiting)").first
        }
        let statement: [PostgresValue] = [.int32(try found.int32(0)), .text(try found.string(1))]
        try connection.query("select pg_cancel_backend($1)", [statement[0]])
        _ = try eventually("the statement's end") {
            let same = "select \(waiting) and pid = $1 and query_start::text = $2"
            return try connection.query(same, statement).isEmpty ? true : nil
        }
        holder.close()
        try send("after")
        try waitForMessages(2, in: lane)
        lane.stop.request()
        let result = try eventually("the lane's end") { lane.result }
        #expect(throws: Never.self) { try result.get() }
        #expect(try connection.query("select applied from partition_claim").only().int64(0) == 2)
    }

    @Test(arguments: [false, true])
    func `a lane that is to stop while something stays locked gives up in time what it has in hand`(
        isSetAside: Bool
    ) throws {
        try connection.script("create table thing (id int)")
        var configuration = configuration
        configuration.database.lockTimeout = .milliseconds(20)
        configuration.drainDeadline = .milliseconds(300)
        let holder = try lock(isSetAside ? "parked_message" : "thing")
        let tries = Mutex(0)
        let lane = RunningLane(configuration) { (transaction: borrowing PostgresTransaction) in
            tries.withLock { $0 += 1 }
            if isSetAside { throw Reason(code: "own", sentence: "It is set aside.") }
            try transaction.query("select from thing")
        }
        try send("message")
        _ = try eventually("a try") { tries.withLock { $0 } > 0 ? true : nil }
        lane.stop.request()
        let result = try eventually("the lane's end") { lane.result }
        let error = #expect(throws: PostgresError.self) { try result.get() }
        #expect(error?.sqlState == .lockNotAvailable)
        holder.close()
        let claim = try connection.query("select next_offset, applied + parked from partition_claim").only()
        #expect(try [claim.int64(0), claim.int64(1)] == [0, 0], "whoever is next has it")
    }
}
