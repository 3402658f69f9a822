import ArgumentParser
import Kafka
import Logging
import Postgres
import WorkerRuntime

/// The flags that say where the fleet is.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The Kafka brokers [SLIPWAY_KAFKA_BROKERS].")
    var kafkaBrokers: String?
    @Option(help: "The database as a libpq URL [SLIPWAY_DATABASE_URL].")
    var databaseURL: String?
    @Option(help: "What topic names begin with [SLIPWAY_TOPIC_PREFIX, default 'slipway.'].")
    var topicPrefix: String?

    var settings: Settings {
        Settings(flags: [
            "KAFKA_BROKERS": kafkaBrokers, "DATABASE_URL": databaseURL, "TOPIC_PREFIX": topicPrefix,
        ])
    }

    /// Connects to the database; blocks.
    func connect() throws -> PostgresConnection {
        try PostgresConnection(try settings.database(program: "slipway"))
    }

    func kafka() throws -> KafkaSettings {
        var logger = Logger(label: "slipway") { LineLogHandler(label: $0, level: .error) }
        logger.logLevel = .error
        var kafka = try settings.kafka(logger: logger)
        kafka.logger = nil
        return kafka
    }
}

/// Whether output is for programs.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON, for programs.")
    var json = false
}
