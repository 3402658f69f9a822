import Kafka
import Logging
import Postgres
import Testing

@testable import WorkerRuntime

/// How long a relay waits with a topic that is refused.
@Suite struct TopicRefusalsTests {
    private let start = ContinuousClock.now

    @Test func `a topic is waited with from its first refusal on, until something is taken`() {
        var refusals = TopicRefusals()
        let patience = Duration.seconds(3)
        #expect(refusals.note("a", patience: patience, at: start) == .seconds(3))
        #expect(refusals.contains("a") && !refusals.contains("b"))
        #expect(refusals.note("a", patience: patience, at: start + .seconds(2)) == .seconds(1))
        #expect(refusals.note("b", patience: patience, at: start + .seconds(2)) == .seconds(3), "topics are told apart")
        #expect(refusals.note("a", patience: patience, at: start + .seconds(3)) == .zero)
        refusals.taken("a")
        #expect(refusals.note("a", patience: patience, at: start + .seconds(4)) == .seconds(3))
        #expect(refusals.contains("a"))
    }

    @Test func `a topic that was waited with in vain is not waited with again until something is taken`() {
        var refusals = TopicRefusals()
        let patience = Duration.seconds(600)
        for seconds in stride(from: 0, to: 600, by: 60) {
            #expect(refusals.note("a", patience: patience, at: start + .seconds(seconds)) == .seconds(600 - seconds))
        }
        #expect(refusals.note("a", patience: patience, at: start + .seconds(600)) == .zero)
        #expect(refusals.note("a", patience: patience, at: start + .seconds(3600)) <= .zero, "after a quiet spell")
        refusals.taken("a")
        #expect(refusals.note("a", patience: patience, at: start + .seconds(3700)) == patience)
    }

    @Test func `of messages that the broker took each clears its own topic`() {
        var refusals = TopicRefusals()
        for topic in ["a", "ab", "b"] { _ = refusals.note(topic, patience: .seconds(3), at: start) }
        func message(to topic: String) -> OutboxMessage {
            OutboxMessage(topic: topic, key: [97], headers: [], value: nil, coalesces: false)
        }
        refusals.taken([message(to: "ab"), message(to: "c"), message(to: "ab")])
        #expect(["a", "ab", "b"].map(refusals.contains) == [true, false, true])
        refusals.taken([message(to: "b"), message(to: "a")])
        #expect(["a", "ab", "b"].map(refusals.contains) == [false, false, false])
    }

    @Test func `a refusal of another kind, or long after the last, begins anew`() {
        var refusals = TopicRefusals()
        _ = refusals.note("a", patience: .seconds(600), at: start)
        #expect(refusals.note("a", patience: .seconds(3), at: start + .seconds(100)) == .seconds(3))
        #expect(refusals.note("a", patience: .seconds(3), at: start + .seconds(300)) == .seconds(3))
    }

    @Test func `what is refused as a topic is waited with, what is refused as a message is not`() {
        var configuration = RelayConfiguration(
            topicPrefix: "t.",
            kafka: KafkaSettings(bootstrapServers: ""),
            database: PostgresConfiguration(url: ""),
            logger: Logger(label: "test")
        )
        func patience(_ code: KafkaError.Code) -> Duration? {
            configuration.patience(with: KafkaError(code, operation: "publish"))
        }
        #expect(patience(.unknownTopic) == .seconds(3))
        #expect(patience(.unknownTopicOrPartition) == .seconds(3))
        #expect(patience(.topicAuthorizationFailed) == .seconds(30))
        #expect(patience(.messageTooLarge) == nil)
        configuration.leaseDuration = .seconds(2)
        #expect(patience(.unknownTopic) == .milliseconds(600))
        configuration.kafka.properties["topic.metadata.propagation.max.ms"] = "9000"
        #expect(patience(.unknownTopic) == .seconds(9))
    }
}
