import Foundation
import Logging
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// What befalls the session of a lane that follows the clock.
@Suite struct RoundLaneTests {
    private let url: String
    private let stop = StopSignal()

    init() throws {
        url = try TestDatabase.make()
    }

    private func lane(_ url: String) -> RoundLane {
        RoundLane(
            database: PostgresConfiguration(url: url),
            logger: Logger(label: "test"),
            stop: stop,
            pulse: LanePulse(),
            interval: .zero
        )
    }

    @Test func `a lane whose first connections are cut off connects again`() throws {
        let port = try TestDatabase.connect(url).query("select inet_server_port()").only().int(0)
        let proxy = try TCPProxy(to: UInt16(port), refusing: 2)
        defer { proxy.close() }
        var rounds = 0
        try lane(url.replacing(":\(port)/", with: ":\(proxy.port)/")).run { _ in
            rounds += 1
            stop.request()
            return false
        }
        #expect(rounds == 1)
    }

    @Test func `a session that takes no writes is made anew`() throws {
        var rounds = 0
        var hasWritten = false
        try lane(url).run { connection in
            rounds += 1
            if rounds == 1 { try connection.script("set default_transaction_read_only = on") }
            if rounds > 5 { stop.request() }
            try connection.query("insert into outbox_relay (owner, seen_at) values ('test', now())")
            hasWritten = true
            stop.request()
            return false
        }
        #expect(hasWritten)
        #expect(rounds == 2)
    }
}
