import Foundation
public import Kafka
public import Logging
public import Postgres

/// The configuration of a program: flags first, then the environment, then defaults.
///
/// Every setting has one spelling: `SLIPWAY_KAFKA_BROKERS` is `--kafka-brokers`.
public struct Settings: Sendable {
    private let flags: [String: String]
    private let environment: [String: String]

    /// Makes settings of flags (by the name of their variable, without `SLIPWAY_`) and the environment.
    public init(
        flags: [String: String?] = [:],
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.flags = flags.compactMapValues { $0 }
        self.environment = environment
    }

    /// The value of `SLIPWAY_<name>`, or `nil` where it is not set or empty.
    public func text(_ name: String) -> String? {
        let value = flags[name] ?? environment["SLIPWAY_" + name]
        return value?.isEmpty == false ? value : nil
    }

    /// The value of `SLIPWAY_<name>`.
    ///
    /// - Throws: ``StartError`` where it is not set; `meaning` says what it should hold.
    public func required(_ name: String, meaning: String) throws(StartError) -> String {
        guard let value = text(name) else {
            throw StartError("SLIPWAY_\(name) is not set; it should hold \(meaning).")
        }
        return value
    }

    /// A whole number within a range.
    public func number(_ name: String, default value: Int, in range: ClosedRange<Int>) throws(StartError) -> Int {
        guard let text = text(name) else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw StartError(
                "SLIPWAY_\(name) is '\(text)'; it should be a whole number from \(range.lowerBound) to \(range.upperBound)."
            )
        }
        return number
    }

    /// `true` or `false`.
    public func truth(_ name: String, default value: Bool) throws(StartError) -> Bool {
        guard let text = text(name) else { return value }
        guard let truth = Bool(text) else {
            throw StartError("SLIPWAY_\(name) is '\(text)'; it should be 'true' or 'false'.")
        }
        return truth
    }

    /// The brokers and every `SLIPWAY_KAFKA_<PROPERTY>` as a librdkafka property.
    public func kafka(logger: Logger) throws(StartError) -> KafkaSettings {
        let brokers = try required("KAFKA_BROKERS", meaning: "the brokers, such as 'localhost:9092'")
        guard topicPrefix.utf8.count <= 100, topicPrefix.wholeMatch(of: /[A-Za-z0-9._\-]+/) != nil else {
            throw StartError(
                "SLIPWAY_TOPIC_PREFIX is '\(topicPrefix)'; it should be at most 100 letters, digits, dots, '_' and '-'."
            )
        }
        var properties: [String: String] = [:]
        let known = "SLIPWAY_KAFKA_"
        for (name, value) in environment where name.hasPrefix(known) && name != "SLIPWAY_KAFKA_BROKERS" {
            if Self.isServiceLink(name, value) { continue }
            let property = name.dropFirst(known.count).lowercased().replacingOccurrences(of: "_", with: ".")
            try Self.refuse(property, value, setBy: name)
            properties[property] = value
        }
        var settings = KafkaSettings(bootstrapServers: brokers)
        settings.properties = properties
        settings.logger = logger
        return settings
    }

    /// What the fleet's promises rest on, with the value that they want; `nil` of what each client has for itself.
    private static let ownProperties: [String: String?] = [
        "group.id": nil, "group.instance.id": nil, "transactional.id": nil, "enable.auto.commit": "false",
        "enable.auto.offset.store": "false", "enable.partition.eof": "true", "enable.idempotence": "true",
        "partitioner": "murmur2_random",
    ]

    private static func refuse(_ property: String, _ value: String, setBy name: String) throws(StartError) {
        guard let own = ownProperties[property], own != value else { return }
        let right = own.map { "be '\($0)', or not be set" } ?? "not be set"
        throw StartError("\(name) is '\(value)'; it should \(right): the fleet depends on what it sets itself.")
    }

    /// Whether Kubernetes made the variable, of a Service of the namespace whose name begins like a setting.
    private static func isServiceLink(_ name: String, _ value: String) -> Bool {
        name.hasSuffix("_SERVICE_HOST") || name.hasSuffix("_SERVICE_PORT") || name.contains("_SERVICE_PORT_")
            || name.contains(/_PORT_[0-9]+_(TCP|UDP|SCTP)/) || (name.hasSuffix("_PORT") && value.contains("://"))
    }

    /// The database, with what keeps a stopped worker from holding locks.
    ///
    /// - Parameter program: The name that the database shows for the session.
    public func database(program: String) throws(StartError) -> PostgresConfiguration {
        let url = try required("DATABASE_URL", meaning: "a libpq URL, such as 'postgresql://slipway@localhost/slipway'")
        guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") || url.contains("=") else {
            throw StartError("SLIPWAY_DATABASE_URL is not a libpq URL; it should begin with 'postgresql://'.")
        }
        var configuration = PostgresConfiguration(url: url)
        configuration.applicationName = program
        configuration.idleInTransactionTimeout = .seconds(3)
        configuration.statementTimeout = .seconds(30)
        return configuration
    }

    /// What topics and groups begin with.
    public var topicPrefix: String { text("TOPIC_PREFIX") ?? "slipway." }

    /// How much is logged.
    public func logLevel() throws(StartError) -> Logger.Level {
        guard let text = text("LOG_LEVEL") else { return .info }
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            throw StartError(
                "SLIPWAY_LOG_LEVEL is '\(text)'; it should be one of trace, debug, info, notice, warning, error, critical."
            )
        }
        return level
    }
}
