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
}
