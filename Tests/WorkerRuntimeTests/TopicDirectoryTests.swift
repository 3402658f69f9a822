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
}
