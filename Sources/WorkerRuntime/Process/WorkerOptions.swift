public import ArgumentParser

/// The flags that every worker takes; each has a variable of the same spelling.
public struct WorkerOptions: ParsableArguments {
    /// The brokers.
    @Option(help: "The Kafka brokers [SLIPWAY_KAFKA_BROKERS].")
    public var kafkaBrokers: String?
    /// The database.
    @Option(help: "The database as a libpq URL [SLIPWAY_DATABASE_URL].")
    public var databaseURL: String?
    /// What topics begin with.
    @Option(help: "What topic names and consumer groups begin with [SLIPWAY_TOPIC_PREFIX, default 'slipway.'].")
    public var topicPrefix: String?
    /// How many lanes.
    @Option(help: "How many lanes: threads with a consumer and a connection each [SLIPWAY_LANES, default 1].")
    public var lanes: String?
    /// Where health and metrics are served.
    @Option(help: "The port of /livez, /readyz and /metrics; 0 turns it off [SLIPWAY_HTTP_PORT, default 0].")
    public var httpPort: String?
    /// How much is logged.
    @Option(help: "trace, debug, info, notice, warning, error or critical [SLIPWAY_LOG_LEVEL, default info].")
    public var logLevel: String?
    /// A stable name for static membership.
    @Option(help: "A stable name of this process alone, for static group membership [SLIPWAY_INSTANCE].")
    public var instance: String?

    /// Makes empty options.
    public init() {}

    /// The flags and the environment together.
    public var settings: Settings {
        Settings(flags: [
            "KAFKA_BROKERS": kafkaBrokers, "DATABASE_URL": databaseURL, "TOPIC_PREFIX": topicPrefix, "LANES": lanes,
            "HTTP_PORT": httpPort, "LOG_LEVEL": logLevel, "INSTANCE": instance,
        ])
    }
}
