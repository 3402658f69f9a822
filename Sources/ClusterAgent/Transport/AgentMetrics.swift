import CoreMetrics

/// The metrics of an agent, one series for each cluster it speaks for.
struct AgentMetrics {
    private let commands: [CommandOutcome: Counter]
    private let refused: Counter
    private let messages: [String: Counter]
    private let gaps: Counter
    private let objects: Gauge
    private let epoch: Gauge

    init(cluster: String) {
        func dimensions(_ more: (String, String)...) -> [(String, String)] { [("cluster", cluster)] + more }
        func done(_ outcome: String) -> Counter {
            Counter(label: "slipway_agent_commands", dimensions: dimensions(("outcome", outcome)))
        }
        commands = Dictionary(uniqueKeysWithValues: CommandOutcome.allCases.map { ($0, done($0.rawValue)) })
        refused = done("refused")
        messages = Dictionary(
            uniqueKeysWithValues: AgentMessage.topics.map { topic in
                (topic, Counter(label: "slipway_agent_messages_sent", dimensions: dimensions(("topic", topic))))
            }
        )
        gaps = Counter(label: "slipway_agent_gaps", dimensions: dimensions())
        objects = Gauge(label: "slipway_agent_objects_watched", dimensions: dimensions())
        epoch = Gauge(label: "slipway_agent_epoch", dimensions: dimensions())
        observe(epoch: nil, objects: 0)
    }

    /// Counts commands that need no other look.
    func count(_ outcomes: [CommandOutcome: Int]) {
        for (outcome, count) in outcomes { commands[outcome]?.increment(by: count) }
    }

    /// Counts commands that were not followed: not signed by the fleet, or not to be read.
    func countRefused() { refused.increment() }

    /// Counts a message on its way to a topic.
    func countSent(_ message: AgentMessage) { messages[message.topic]?.increment() }

    /// Counts messages that have a number and never arrived.
    func countGaps(_ count: Int) { gaps.increment(by: count) }

    /// Records the epoch, 0 before the welcome, and how many objects the agent sees.
    func observe(epoch: Int64?, objects: Int) {
        self.epoch.record(epoch ?? 0)
        self.objects.record(objects)
    }
}
