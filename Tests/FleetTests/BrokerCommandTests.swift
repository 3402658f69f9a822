import Foundation
import TestSupport
import Testing

/// What runs until it is ended tells what it has to tell at once, into a file too.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct BrokerCommandTests {
    @Test func `the broker tells its address, and what it did not do, while it runs`() throws {
        let world = try FleetWorld(topics: [])
        let orders = world.folder + "/orders"
        try "up nobody\n".write(toFile: orders, atomically: true, encoding: .utf8)
        let broker = try world.start("slipway", ["broker", "--control"], input: orders)
        _ = try eventually("its address") { broker.output.contains("127.0.0.1:") ? true : nil }
        _ = try eventually("what was not done") { broker.output.contains("'up nobody' was not done") ? true : nil }
        #expect(broker.isRunning)
    }
}
