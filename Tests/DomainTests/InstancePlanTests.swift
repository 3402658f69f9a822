import Foundation
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A plan is an answer whatever the values are.
@Suite struct InstancePlanTests {
    @Test func `a plan of more differences than a message takes tells as many as fit, and how many it leaves out`()
        throws
    {
        let world = try CommandWorld.ready()
        let group = (0..<150).map { "k\($0): 1" }.joined(separator: ", ")
        let values = (0..<150).map { "m\($0): {\(group)}" }.joined(separator: #"\n"#)
        #expect(try world.deploy("1.0.0", #""values":"\#(values)","dryRun":true"#) == .applied)
        let message = try #require(try world.published("deployment.results").first)
        #expect(message.name == "planned")
        #expect(message.value.count < 900_000, "a broker takes a million bytes, with the headers")
        let plan = try #require(message.json["plan"] as? [String: Any])
        let told = try #require(plan["values"] as? [[String: Any]])
        #expect(told.count > 10_000)
        // The version brings a value of its own.
        let warning = "\(22_501 - told.count) of the 22501 differences of the values are left out"
        #expect((plan["warnings"] as? [String])?.contains { $0.hasPrefix(warning) } == true)
    }
}
