import Kafka
import Testing
import WorkerRuntime

/// What access control lists allow is compared with what programs need, as Kafka reads the lists.
@Suite struct AccessComparisonTests {
    struct Case: Sendable {
        var need = AccessNeed("release-worker", .read, .topic, "slipway.release.events")
        var entries: [KafkaAccessEntry]
        var principal: String? = "User:rw"
        /// How the sentence begins; none where the need is met.
        var says: String?
    }

    private static func topic(
        _ name: String = "slipway.release.events",
        isPrefix: Bool = false,
        _ principal: String = "User:rw",
        _ operation: KafkaAccessEntry.Operation = .read,
        host: String = "*",
        isAllowed: Bool = true
    ) -> KafkaAccessEntry {
        KafkaAccessEntry(
            .topic,
            name,
            isPrefix: isPrefix,
            principal: principal,
            host: host,
            operation: operation,
            isAllowed: isAllowed
        )
    }

    private static let group = AccessNeed("release-worker", .read, .group, "slipway.release-worker")
    private static let transactions = AccessNeed(
        "outbox-relay",
        .write,
        .transactionalID,
        "slipway.outbox-",
        isPrefix: true
    )
    private static let missing = "no entry lets User:rw read the topic slipway.release.events, as 'release-worker' must"
    private static let denied = "an entry denies User:rw to read the topic slipway.release.events"

    static let cases: [Case] = [
        Case(entries: [topic()]),
        Case(entries: [topic(isPrefix: true)]), Case(entries: [topic("slipway.", isPrefix: true)]),
        Case(entries: [topic("*")]),
        Case(entries: [topic("slipway.release.events", "User:rw", .all)]), Case(entries: [topic("*", "User:*")]),
        Case(entries: [topic(host: "10.0.0.1")]),
        Case(entries: [], says: missing), Case(entries: [topic("slipway.")], says: missing),
        Case(entries: [topic("slipway.release.events.dlt", isPrefix: true)], says: missing),
        Case(entries: [topic("slipway.release.events", "User:rw", .write)], says: missing),
        Case(entries: [topic("slipway.release.events", "User:rw", .describe)], says: missing),
        Case(entries: [topic("slipway.release.events", "User:other")], says: missing),
        Case(
            entries: [KafkaAccessEntry(.group, "slipway.release.events", principal: "User:rw", operation: .all)],
            says: missing
        ),
        // What denies counts more than what allows, unless it is for another host, operation, name or principal.
        Case(entries: [topic(), topic(isAllowed: false)], says: denied),
        Case(entries: [topic(), topic("*", "User:*", .all, isAllowed: false)], says: denied),
        Case(entries: [topic(), topic(host: "10.0.0.1", isAllowed: false)]),
        Case(entries: [topic(), topic("slipway.release.events", "User:rw", .write, isAllowed: false)]),
        Case(entries: [topic(), topic("slipway.release.events", "User:other", isAllowed: false)]),
        // Where nobody knows who a program is, somebody must be let.
        Case(entries: [topic("slipway.release.events", "User:other")], principal: nil),
        Case(entries: [], principal: nil, says: "no entry lets anybody read the topic slipway.release.events"),
        Case(
            entries: [topic(), topic("*", "User:*", isAllowed: false)],
            principal: nil,
            says: "an entry denies User:* to read the topic"
        ),
        Case(entries: [topic(), topic("slipway.release.events", "User:x", isAllowed: false)], principal: nil),
        Case(
            need: group,
            entries: [KafkaAccessEntry(.group, "slipway.", isPrefix: true, principal: "User:rw", operation: .read)]
        ),
        Case(
            need: group,
            entries: [topic("slipway.", isPrefix: true)],
            says: "no entry lets User:rw read the group slipway.release-worker"
        ),
        // Transactional ids are of a kind that librdkafka 2.0.2 has no name for; they begin alike and end by chance.
        Case(
            need: transactions,
            entries: [
                KafkaAccessEntry(.other, "slipway.outbox-", isPrefix: true, principal: "User:rw", operation: .write)
            ]
        ),
        Case(need: transactions, entries: [KafkaAccessEntry(.other, "*", principal: "User:rw", operation: .all)]),
        Case(
            need: transactions,
            entries: [KafkaAccessEntry(.other, "slipway.outbox-", principal: "User:rw", operation: .write)],
            says: "no entry lets User:rw write the transactional id slipway.outbox-*, as 'outbox-relay' must"
        ),
        Case(
            need: transactions,
            entries: [
                KafkaAccessEntry(.other, "slipway.outbox-1", isPrefix: true, principal: "User:rw", operation: .write)
            ],
            says: "no entry lets User:rw write the transactional id"
        ),
    ]

    @Test(arguments: cases)
    func `a need is met, or what stands against it is said`(one: Case) {
        let principals = one.principal.map { ["release-worker": $0, "outbox-relay": $0] } ?? [:]
        let faults = AccessComparison(one.entries, principals: principals).faults([one.need])
        #expect(faults.count == (one.says == nil ? 0 : 1), "\(faults)")
        #expect(faults.allSatisfy { $0.says.hasPrefix(one.says ?? "") }, "\(faults)")
        #expect(faults.allSatisfy { $0.isCertain == (one.principal != nil) })
    }

    @Test func `what one program lacks of a kind is one sentence`() {
        let needs =
            ["a", "b"].map { AccessNeed("east", .write, .topic, $0) } + [AccessNeed("east", .read, .topic, "c")]
        let faults = AccessComparison([], principals: ["east": "User:e"]).faults(needs)
        #expect(
            faults.map(\.says) == [
                "no entry lets User:e write the topic a, b, as 'east' must",
                "no entry lets User:e read the topic c, as 'east' must",
            ]
        )
    }

    @Test func `who may write to a topic is told`() {
        let entries = [
            Self.topic("t", "User:cron", .write), Self.topic("t", "User:out", .write),
            Self.topic("*", "User:out", .write, isAllowed: false), Self.topic("t", "User:reader", .read),
            Self.topic("t", "User:all", .all),
        ]
        #expect(AccessComparison(entries, principals: [:]).writers(of: "t") == ["User:all", "User:cron"])
        #expect(AccessComparison([Self.topic("*", "User:*", .all)], principals: [:]).writers(of: "t") == ["User:*"])
    }
}
