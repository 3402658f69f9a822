import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import WorkerRuntime

/// A relay's session with the database ends when nobody expects it.
extension RelayShardTests {
    @Test func `a relay whose session ends before it listens connects again`() throws {
        let stop = StopSignal()
        let relay = try OutboxRelayLane(configuration, name: "relay", stop: stop, pulse: LanePulse())
        try cutOtherSessions()
        nonisolated(unsafe) let lane = relay
        let ended = Mutex<Result<Void, any Error>?>(nil)
        Thread.detachNewThread {
            let result = Result { try lane.run() }
            ended.withLock { $0 = result }
        }
        _ = try eventually("an empty outbox, or the relay's end") {
            let isOver = ended.withLock { $0 != nil }
            return try connection.query("select 1 from outbox").isEmpty || isOver ? true : nil
        }
        stop.request()
        let result = try eventually("the relay's end") { ended.withLock { $0 } }
        #expect(throws: Never.self) { try result.get() }
        #expect(try connection.query("select 1 from outbox").isEmpty)
    }

    @Test func `a lane whose session ends before its first statement connects again`() throws {
        let lane = try PostgresConnection(configuration.database)
        try cutOtherSessions()
        #expect(try Installation.outboxShards(reconnecting: lane) == Installation.defaultOutboxShards)
    }

    /// Ends every session of the database but the test's own, and waits until they are gone.
    private func cutOtherSessions() throws {
        try connection.script(
            """
            select pg_terminate_backend(pid, 10000) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
            """
        )
    }
}
