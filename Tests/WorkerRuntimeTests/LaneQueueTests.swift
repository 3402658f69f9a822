import Kafka
import Testing

@testable import WorkerRuntime

/// How many fetched messages the lanes of a process keep.
@Suite struct LaneQueueTests {
    @Test(arguments: [(1, nil), (2, nil), (4, "1500"), (8, "750"), (256, "500")] as [(Int, String?)])
    func `many lanes share what two may keep`(lanes: Int, messages: String?) {
        var settings = KafkaSettings(bootstrapServers: "127.0.0.1:9092")
        settings.shareQueue(among: lanes)
        #expect(settings.properties["queued.min.messages"] == messages)
        #expect((settings.properties["queued.max.messages.kbytes"] == nil) == (messages == nil))
    }

    @Test func `what the operator has set stays`() {
        var settings = KafkaSettings(bootstrapServers: "127.0.0.1:9092", properties: ["queued.min.messages": "50"])
        settings.shareQueue(among: 4)
        #expect(settings.properties["queued.min.messages"] == "50")
        #expect(settings.properties["queued.max.messages.kbytes"] == "3072")
    }
}
