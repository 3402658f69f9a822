import Domain
import Testing

/// Topics are compared with what the fleet needs.
@Suite struct TopicComparisonTests {
    @Test(arguments: [
        ("a.agent.status", "'slipway topics apply' makes it"),
        ("a.agent.commands.east", "'slipway topics apply --cluster east' makes it"),
    ])
    func `what makes a topic that is missing is said in full`(name: String, says: String) {
        let faults = TopicComparison.faults(name, wanted: (1, 1, [:]), partitions: nil, properties: nil)
        #expect(faults == ["\(name) is missing; \(says)"])
    }

    struct Case: Sendable {
        var partitions: Int? = 48
        var copies = 3
        var properties: [String: String]? = [:]
        var says: [String]
    }

    private static let right = [
        "message.timestamp.type": "LogAppendTime", "retention.ms": "1000", "min.insync.replicas": "2",
    ]

    @Test(arguments: [
        Case(properties: right, says: []), Case(partitions: 96, properties: right, says: []),
        Case(copies: 4, properties: right, says: []),
        Case(copies: 1, properties: right, says: ["is kept by 1 of 3 brokers"]),
        Case(properties: right.merging(["min.insync.replicas": "3"]) { $1 }, says: []),
        Case(
            properties: right.merging(["min.insync.replicas": "1"]) { $1 },
            says: ["min.insync.replicas=1; the fleet needs 2: what one broker alone has is lost with it"]
        ),
        Case(properties: nil, says: []), Case(partitions: nil, says: ["is missing"]),
        Case(partitions: 6, properties: nil, says: ["has 6 partitions; the fleet expects 48"]),
        Case(properties: right.merging(["retention.ms": "-1"]) { $1 }, says: []),
        Case(properties: right.merging(["retention.ms": "5000"]) { $1 }, says: []),
        Case(
            properties: right.merging(["retention.ms": "999"]) { $1 },
            says: ["retention.ms=999; the fleet needs 1000"]
        ),
        Case(
            properties: right.merging(["message.timestamp.type": "CreateTime"]) { $1 },
            says: ["message.timestamp.type=CreateTime; the fleet needs LogAppendTime: the broker's clock says"]
        ),
        Case(
            properties: [:],
            says: ["message.timestamp.type=(not set)", "min.insync.replicas=(not set)", "retention.ms=(not set)"]
        ),
    ])
    func `what matters is said`(found: Case) {
        let faults = TopicComparison.faults(
            "slipway.deployment.requests",
            wanted: (48, 3, Self.right),
            partitions: found.partitions,
            copies: found.copies,
            properties: found.properties
        )
        #expect(faults.count == found.says.count, "\(faults)")
        for (fault, says) in zip(faults, found.says) { #expect(fault.contains(says), "\(fault)") }
    }
}
