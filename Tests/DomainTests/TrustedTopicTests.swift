import Testing
import WorkerRuntime

@testable import Domain

/// Requests of trusted programs, known by the topic that only they can write to.
@Suite struct TrustedTopicTests {
    private func message(_ caller: String?, topic: String = "portal.requests") -> KafkaMessageView {
        KafkaMessageView(
            topic: topic,
            brokerTime: 1,
            key: "shop",
            headers: caller.map { [(TrustedTopic.header, $0)] } ?? [],
            value: []
        )
    }

    private func outcome(_ topic: TrustedTopic, _ caller: String?) -> String {
        do throws(CallerError) {
            return try TrustedCallers(topic).caller(of: message(caller)).name
        } catch {
            if case .refused(let reason) = error { return reason.code }
            return "unavailable"
        }
    }

    @Test(
        arguments: [
            (nil, "olga", "olga"), (nil, nil, "caller_missing"), (nil, "", "caller_missing"),
            (nil, String(repeating: "x", count: 201), "caller_missing"), (nil, "/slipway/autodeploy", "caller_missing"),
            (nil, "ol\0ga", "caller_missing"), (nil, "olga\r\n", "caller_missing"), (nil, "\u{85}", "caller_missing"),
            ("cron", nil, "cron"), ("cron", "cron", "cron"), ("cron", "olga", "caller_mismatch"),
        ] as [(String?, String?, String)]
    )
    func `the caller is the topic's, or the one that the message names`(
        bound: String?,
        named: String?,
        expected: String
    ) {
        #expect(outcome(TrustedTopic("portal.requests", caller: bound), named) == expected)
    }

    @Test func `a message that waits keeps its caller, and no message from Kafka can pretend to have waited`() {
        let topic = TrustedTopic("portal.requests")
        let kept = TrustedCallers(topic).kept(of: message("olga"))
        #expect(kept.map(\.1) == ["olga"])
        let forged = KafkaMessageView(topic: topic.name, brokerTime: 1, key: "shop", headers: kept, value: [])
        #expect(throws: CallerError.self) { try TrustedCallers(topic).caller(of: forged) }
    }

    @Test func `topics are read from the settings`() throws {
        let settings = Settings(flags: ["TRUSTED_REQUEST_TOPICS": "portal.requests, cron.requests:cron-bot"])
        #expect(
            try TrustedTopic.all(settings) == [
                TrustedTopic("portal.requests"), TrustedTopic("cron.requests", caller: "cron-bot"),
            ]
        )
        #expect(try TrustedTopic.all(Settings(flags: [:])).isEmpty)
    }

    @Test(arguments: ["a b", "deployment.requests", "a,a", "a:", ":b", "é"])
    func `a wrong setting is told in one sentence`(text: String) {
        let error = #expect(throws: StartError.self) {
            try TrustedTopic.all(Settings(flags: ["TRUSTED_REQUEST_TOPICS": text]))
        }
        #expect(error.map { "\($0)" }?.contains("SLIPWAY_TRUSTED_REQUEST_TOPICS") == true)
    }

    @Test func `such a topic and its dead letters are among the fleet's`() {
        let names = Topics.complete(clusters: [], trusted: ["portal.requests"]).map(\.name)
        #expect(names.contains("portal.requests") && names.contains("portal.requests.dlt"))
    }
}
