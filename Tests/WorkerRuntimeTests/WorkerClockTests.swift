import Foundation
import Postgres
import TestSupport
import Testing

@testable import WorkerRuntime

/// A worker says how its machine's clock differs from the database's.
@Suite struct WorkerClockTests {
    @Test(arguments: [0, 90, -90])
    func `the difference is told with the half of the round trip by which it may be off`(seconds: Int64) throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        var presence = WorkerPresence(name: "timekeeper", instance: nil)
        presence.clock = { Int64(Date().timeIntervalSince1970 * 1_000_000) + seconds * 1_000_000 }
        for _ in 1...2 {
            try presence.renew(on: connection)
            let row = try connection.query("select clock_ahead_us, clock_unsure_us from worker").only()
            // The database of the tests is on this machine, so it has the same clock.
            #expect(try abs(row.int64(0) - seconds * 1_000_000) <= row.int64(1) + 1_000)
            #expect(try row.int64(1) >= 0)
            // Each renewal tells it anew.
            try connection.script("update worker set clock_ahead_us = 1, clock_unsure_us = -1")
        }
    }
}
