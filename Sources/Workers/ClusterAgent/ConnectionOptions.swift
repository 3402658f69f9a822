import ArgumentParser
import ClusterAgent
import CoreMetrics
import Logging
import WorkerRuntime

/// For which cluster the agent speaks and how it reaches the fleet; each flag has a variable of the same spelling.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The cluster's name, as it is registered [SLIPWAY_CLUSTER].")
    var cluster: String?
    @Option(
        name: [.customLong("kafka-brokers"), .customLong("brokers")],
        help: "The Kafka brokers [SLIPWAY_KAFKA_BROKERS]."
    )
    var brokers: String?
    @Option(
        help: """
            The cluster's key, as 'slipway cluster-key' or 'slipway keys rotate' prints it; better set the variable \
            [SLIPWAY_AGENT_KEY].
            """
    )
    var key: String?
    @Option(help: "What topic names and consumer groups begin with [SLIPWAY_TOPIC_PREFIX, default 'slipway.'].")
    var topicPrefix: String?
    @Option(help: "The port of /livez, /readyz and /metrics; 0 turns it off [SLIPWAY_HTTP_PORT, default 0].")
    var httpPort: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical [SLIPWAY_LOG_LEVEL, default info].")
    var logLevel: String?

    /// The flags by the names of their variables.
    var flags: [String: String?] {
        [
            "CLUSTER": cluster, "KAFKA_BROKERS": brokers, "AGENT_KEY": key, "TOPIC_PREFIX": topicPrefix,
            "HTTP_PORT": httpPort, "LOG_LEVEL": logLevel,
        ]
    }

    func configuration(_ settings: Settings) throws -> AgentConfiguration {
        let cluster = try settings.required("CLUSTER", meaning: "the cluster's name, as it is registered")
        let text = try settings.required("AGENT_KEY", meaning: "what 'slipway cluster-key \(cluster)' prints")
        guard let key = AgentKey(text) else {
            throw StartError(
                "SLIPWAY_AGENT_KEY is not a key; it should hold what 'slipway cluster-key \(cluster)' prints."
            )
        }
        let level = try settings.logLevel()
        LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level) }
        MetricsSystem.bootstrap(PrometheusRegistry.shared)
        let logger = Logger(label: "cluster-agent")
        var configuration = AgentConfiguration(
            cluster: cluster,
            key: key.key,
            kafka: try settings.kafka(logger: logger),
            logger: logger
        )
        configuration.keyID = key.keyID
        configuration.formerKeys = key.former
        configuration.topicPrefix = settings.topicPrefix
        return configuration
    }
}
