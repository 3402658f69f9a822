import Kafka

/// A topic that a worker consumes, and what handles its messages.
public struct Subscription: Sendable {
    /// The logical topic.
    let topic: String
    /// How many messages a batch holds at most, unless an operator says otherwise.
    let batchCount: Int
    /// Runs one lane until the stop.
    let run: @Sendable (LaneConfiguration, String, StopSignal, LanePulse) throws -> Void

    /// Makes a subscription.
    ///
    /// - Parameters:
    ///   - topic: The logical topic.
    ///   - makeHandler: Makes the handler of one lane.
    public init<H: Handler & SendableMetatype>(
        _ topic: String,
        batchCount: Int = 500,
        _ makeHandler: @escaping @Sendable () throws -> H
    ) {
        self.topic = topic
        self.batchCount = batchCount
        run = { configuration, name, stop, pulse in
            try Lane(configuration, name: name, handler: try makeHandler(), stop: stop, pulse: pulse).run()
        }
    }
}

extension WorkerProcess {
    /// Consumes a topic in as many lanes as are configured, until SIGTERM.
    ///
    /// - Parameters:
    ///   - topic: The logical topic.
    ///   - makeHandler: Makes the handler of one lane.
    public func consume<H: Handler & SendableMetatype>(
        _ topic: String,
        batchCount: Int = 500,
        _ makeHandler: @escaping @Sendable () throws -> H
    ) async throws {
        try await consume([Subscription(topic, batchCount: batchCount, makeHandler)])
    }

    /// Consumes topics, each in as many lanes as are configured, until SIGTERM.
    ///
    /// The first one is the worker's own; the others have consumer groups of their own, so that a rebalance of one topic
    /// holds up no other.
    public func consume(_ subscriptions: [Subscription]) async throws {
        let stop = stop
        try await runLanes(
            try subscriptions.enumerated().map { place, subscription in
                var lane = try configuration(of: subscription)
                lane.kafka.shareQueue(among: try laneCount * subscriptions.count)
                if place > 0 { lane.group += ".\(subscription.topic)" }
                let (shared, instance) = (lane, settings.text("INSTANCE"))
                return LaneWork(about: "consuming \(lane.realTopic) as group \(lane.group)") { name, number, pulse in
                    var configuration = shared
                    configuration.instance = instance.map { shared.member(of: $0, lane: number) }
                    try subscription.run(configuration, name, stop, pulse)
                }
            }
        )
    }

    private func configuration(of subscription: Subscription) throws -> LaneConfiguration {
        var configuration = LaneConfiguration(
            worker: name,
            topic: subscription.topic,
            topicPrefix: settings.topicPrefix,
            kafka: try settings.kafka(logger: logger),
            database: database,
            logger: logger
        )
        configuration.batchCount = try settings.number(
            "BATCH_COUNT",
            default: subscription.batchCount,
            in: 1...10_000
        )
        configuration.retries.attempts = try settings.number("RETRY_ATTEMPTS", default: 8, in: 1...100)
        configuration.retries.queuedMessages = try settings.number("QUEUE_MESSAGES", default: 1000, in: 1...1_000_000)
        configuration.retries.firstDelay = .milliseconds(
            try settings.number("RETRY_MILLISECONDS", default: 1000, in: 10...600_000)
        )
        return configuration
    }
}

extension KafkaSettings {
    /// Divides what a process keeps of messages that were fetched and not yet taken among its lanes, so that several of them
    /// take no more memory than two, down to 500 messages and 1 MiB each; properties that the operator has set stay.
    ///
    /// Two lanes or one have the client's own bounds.
    mutating func shareQueue(among lanes: Int) {
        guard lanes > 2 else { return }
        let shares = [
            "queued.min.messages": max(500, 6_000 / lanes), "queued.max.messages.kbytes": max(1_024, 12_288 / lanes),
        ]
        for (name, share) in shares where properties[name] == nil { properties[name] = String(share) }
    }
}
