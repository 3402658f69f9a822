import Foundation
import Kafka
import TestSupport
import Testing

/// Sealing on the command line: it needs no fleet.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct SealCommandTests {
    @Test func `a public key may begin with a dash`() throws {
        let world = try FleetWorld(topics: [])
        let file = world.folder + "/value"
        try "hunter2".write(toFile: file, atomically: true, encoding: .utf8)
        let key = "-" + String(repeating: "A", count: 42)
        let sealed = try world.said("slipway", ["seal", "shop/staging/secret/a", "password", "--key", key], file)
        #expect(sealed.count > 60 && !sealed.contains(" "))
    }
}
