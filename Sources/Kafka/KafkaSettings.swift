public import CoreMetrics
public import Logging

/// How to reach a Kafka cluster, shared by consumers, producers and the admin client.
public struct KafkaSettings: Sendable {
    /// Comma-separated `host:port` list of the brokers to ask first.
    public var bootstrapServers: String
    /// Any librdkafka property; it wins over the defaults of this library.
    ///
    /// A property librdkafka does not know, or refuses, makes the initializer of the client throw a sentence that
    /// names the property. Values may be secrets and appear neither in logs nor in errors.
    public var properties: [String: String]
    /// Where librdkafka's log lines go; `nil` silences them.
    public var logger: Logger?
    /// Where gauges go when `statistics.interval.ms` is set; `nil` is the process's metrics system.
    public var metricsFactory: (any MetricsFactory)?

    /// Describes a cluster.
    public init(bootstrapServers: String, properties: [String: String] = [:], logger: Logger? = nil) {
        self.bootstrapServers = bootstrapServers
        self.properties = properties
        self.logger = logger
    }
}
