import Testing

@testable import WorkerRuntime

struct TopicNamesTests {
    @Test func `each topic has its name with the prefix, also beyond those that are kept`() {
        var names = TopicNames(prefix: "slipway.")
        let topics = (0..<100).map { "agent.commands.c\($0)" } + ["agent.commands.c", ""]
        for topic in topics + topics.reversed() {
            #expect(Array(topic.utf8).withUnsafeBytes { names.name(of: $0) } == "slipway." + topic)
        }
    }
}
