import Kafka
import Logging
import Testing

@testable import WorkerRuntime

/// Whether a topic exists is asked while locks are held.
@Suite struct TopicDirectoryTests {
    @Test func `a broker that answers later than a transaction may wait is not waited for`() throws {
        let broker = try KafkaMockCluster()
        try broker.createTopic("t.there", partitions: 1)
        try broker.setRoundTrip(nil, .seconds(2))
        let topics = BrokerTopics(broker.settings, prefix: "t.", logger: Logger(label: "test"))
        #expect(topics.has("agent.commands.new"), "it has not said that there is none")
        #expect(topics.has("agent.commands.other"), "it is not asked again at once")
        broker.close()
    }

    @Test(arguments: [(Duration.seconds(3600), false), (Duration.zero, true)])
    func `a broker that has told which topics there are is asked again after a moment`(
        moment: Duration,
        isAsked: Bool
    ) throws {
        let broker = try KafkaMockCluster()
        try broker.createTopic("t.there", partitions: 1)
        let topics = BrokerTopics(
            broker.settings,
            prefix: "t.",
            patience: .seconds(60),
            absence: moment,
            logger: Logger(label: "test")
        )
        #expect(topics.has("there"))
        #expect(!topics.has("new") && !topics.has("other"))
        try broker.createTopic("t.new", partitions: 1)
        #expect(topics.has("new") == isAsked)
        broker.close()
        #expect(topics.has("there"), "what was there once stays")
    }

    @Test func `what is known of topics is believed for as long as it is told`() {
        let now = ContinuousClock.now
        var memory = TopicMemory()
        #expect(memory.has("a", at: now) == nil)
        memory.listed(["a"], until: now + .seconds(2))
        #expect(["a", "b"].map { memory.has($0, at: now + .seconds(1)) } == [true, false])
        #expect(["a", "b"].map { memory.has($0, at: now + .seconds(2)) } == [true, nil])
        memory.failed(until: now + .seconds(12))
        #expect(["a", "b"].map { memory.has($0, at: now + .seconds(11)) } == [true, true])
        #expect(["a", "b"].map { memory.has($0, at: now + .seconds(12)) } == [true, nil])
        memory.listed(["b"], until: now + .seconds(14))
        #expect(["a", "b", "c"].map { memory.has($0, at: now + .seconds(13)) } == [true, true, false])
    }
}
