import Kafka

/// Topics that the broker refuses, since when: one wrong answer of a broker, or a mistake with the ACLs, is no reason to set
/// aside what is sent meanwhile; pure.
struct TopicRefusals {
    /// Refusals of one kind without anything that was taken between them.
    private struct Series {
        let first: ContinuousClock.Instant
        let latest: ContinuousClock.Instant
        let patience: Duration
        /// Whether it was waited for long enough: what is sent now is set aside at once, however long nothing was sent.
        let isOver: Bool
    }

    private var series: [String: Series] = [:]
    /// How long after a refusal another one continues its series: shards rest for a minute at most.
    private static let memory = Duration.seconds(180)

    /// Whether the topic was refused when something was last sent to it.
    func contains(_ topic: String) -> Bool { series[topic] != nil }

    /// Notes that the topic was refused; returns for how long it is still to be waited with.
    ///
    /// - Parameter patience: How long refusals of this kind are waited with in all.
    mutating func note(_ topic: String, patience: Duration, at now: ContinuousClock.Instant) -> Duration {
        var first = now
        if let known = series[topic], known.patience == patience, known.isOver || now - known.latest < Self.memory {
            first = known.first
        }
        let left = patience - (now - first)
        series[topic] = Series(first: first, latest: now, patience: patience, isOver: left <= .zero)
        return left
    }

    /// Notes that the broker took something for the topic.
    mutating func taken(_ topic: String) {
        series[topic] = nil
    }

    /// Notes that the broker took these messages; refused topics are few, messages are many.
    mutating func taken(_ messages: [OutboxMessage]) {
        for topic in series.keys where messages.contains(where: { $0.goes(to: topic) }) { series[topic] = nil }
    }
}

extension RelayConfiguration {
    /// How long a topic that the broker does not know is waited for: as long as librdkafka waits for a new one.
    ///
    /// Its own default are 30 seconds; what is to be known of a topic that there is none of has to be known well
    /// within the lease.
    var unknownTopicPatience: Duration {
        let given = kafka.properties[Self.propagation].flatMap { Int($0) }
        return given.map { Duration.milliseconds($0) } ?? min(Duration.seconds(3), leaseDuration / 10 * 3)
    }

    /// The property with which an operator sets it.
    static let propagation = "topic.metadata.propagation.max.ms"

    /// How long a topic that was refused so is waited with; `nil` where it is the message that is refused.
    func patience(with error: KafkaError) -> Duration? {
        switch error.code {
        case .topicAuthorizationFailed: deniedTopicPatience
        case .unknownTopic, .unknownTopicOrPartition: unknownTopicPatience
        default: nil
        }
    }
}
