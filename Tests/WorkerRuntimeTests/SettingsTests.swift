import Kafka
import Logging
import Postgres
import Testing

@testable import WorkerRuntime

/// A wrong value ends the start with one clear sentence: which setting, what is wrong, what would be right.
@Suite struct SettingsTests {
    @Test func `a flag wins over the environment, and an empty value is none`() throws {
        let settings = Settings(
            flags: ["LANES": "3", "HTTP_PORT": nil],
            environment: ["SLIPWAY_LANES": "2", "SLIPWAY_HTTP_PORT": ""]
        )
        #expect(try settings.number("LANES", default: 1, in: 1...9) == 3)
        #expect(try settings.number("HTTP_PORT", default: 0, in: 0...65535) == 0)
    }

    @Test(arguments: ["many", "0", "-1", "1.5", "99999999999999999999"])
    func `a number out of its range names the setting and the range`(text: String) {
        let settings = Settings(environment: ["SLIPWAY_LANES": text])
        let error = #expect(throws: StartError.self) { try settings.number("LANES", default: 1, in: 1...256) }
        #expect(error?.description == "SLIPWAY_LANES is '\(text)'; it should be a whole number from 1 to 256.")
    }

    @Test func `what is required and missing says what it should hold`() {
        let error = #expect(throws: StartError.self) { try Settings(environment: [:]).database(program: "x") }
        #expect(error?.description.contains("SLIPWAY_DATABASE_URL is not set") == true)
    }

    @Test func `a database that is no URL is refused without showing it`() {
        let settings = Settings(environment: ["SLIPWAY_DATABASE_URL": "secret"])
        let error = #expect(throws: StartError.self) { try settings.database(program: "x") }
        #expect(error?.description.contains("secret") == false)
    }

    @Test(arguments: [600, -600]) func `a test's clock is wrong by so many seconds, in what brokers are told, too`(
        offset: Int64
    ) throws {
        let environment = ["SLIPWAY_TEST_CLOCK_AHEAD": "\(offset)", "SLIPWAY_TEST_SIGNALS": "/tmp"]
        let clock = try WallClock(Settings(environment: environment))
        let before = WallClock().now()
        let wrong = clock.now() - offset * 1_000_000
        let stamp = try #require(clock.stampMilliseconds) - offset * 1000
        #expect((before...WallClock().now()).contains(wrong))
        #expect((before / 1000...WallClock().now() / 1000).contains(stamp))
        #expect(WallClock().stampMilliseconds == nil)
    }

    @Test(arguments: ["600", "-1"]) func `outside a test no clock is made wrong`(offset: String) throws {
        let settings = Settings(environment: ["SLIPWAY_TEST_CLOCK_AHEAD": offset])
        let error = #expect(throws: StartError.self) { try WallClock(settings) }
        #expect(error?.description.hasPrefix("SLIPWAY_TEST_CLOCK_AHEAD is for tests only") == true)
        #expect(try WallClock(Settings(environment: ["SLIPWAY_TEST_CLOCK_AHEAD": "0"])).secondsAhead == 0)
    }

    @Test(arguments: ["slipway/", "slipway. ", "größe."])
    func `a prefix that no topic can have is refused before anything is published under it`(prefix: String) throws {
        let brokers = ["SLIPWAY_KAFKA_BROKERS": "b:9092"]
        let logger = Logger(label: "test")
        let settings = Settings(flags: ["TOPIC_PREFIX": prefix], environment: brokers)
        let error = #expect(throws: StartError.self) { try settings.kafka(logger: logger) }
        #expect(error?.description.hasPrefix("SLIPWAY_TOPIC_PREFIX is '\(prefix)'") == true)
        _ = try Settings(flags: ["TOPIC_PREFIX": "acme_prod-1."], environment: brokers).kafka(logger: logger)
    }

    @Test func `every SLIPWAY_KAFKA variable is a librdkafka property`() throws {
        let settings = Settings(environment: [
            "SLIPWAY_KAFKA_BROKERS": "b:9092", "SLIPWAY_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        ])
        let kafka = try settings.kafka(logger: Logger(label: "test"))
        #expect(kafka.bootstrapServers == "b:9092")
        #expect(kafka.properties == ["security.protocol": "SASL_SSL"])
    }

    @Test func `a property on which the fleet depends is not an operator's`() throws {
        func kafka(_ name: String, _ value: String) throws -> KafkaSettings {
            try Settings(environment: ["SLIPWAY_KAFKA_BROKERS": "b:9092", "SLIPWAY_KAFKA_\(name)": value])
                .kafka(logger: Logger(label: "test"))
        }
        for name in ["GROUP_ID", "GROUP_INSTANCE_ID", "TRANSACTIONAL_ID"] {
            let error = #expect(throws: StartError.self) { try kafka(name, "mine") }
            #expect(error?.description.hasPrefix("SLIPWAY_KAFKA_\(name) is 'mine'; it should not be set: ") == true)
        }
        let error = #expect(throws: StartError.self) { try kafka("ENABLE_AUTO_COMMIT", "true") }
        #expect(error?.description.contains("it should be 'false', or not be set") == true)
        #expect(try kafka("ENABLE_AUTO_COMMIT", "false").properties == ["enable.auto.commit": "false"])
        #expect(throws: StartError.self) { try kafka("PARTITIONER", "consistent") }
    }

    @Test func `a lane is the same static member in its process's next life, and no other lane is`() {
        func member(_ worker: String, _ lane: Int) -> String {
            LaneConfiguration(
                worker: worker,
                topic: "t",
                topicPrefix: "slipway.",
                kafka: KafkaSettings(bootstrapServers: ""),
                database: PostgresConfiguration(url: ""),
                logger: Logger(label: "test")
            ).member(of: "east-0", lane: lane)
        }
        #expect(member("agent-worker", 1) == "east-0-agent-worker-1")
        #expect(Set([member("agent-worker", 0), member("agent-worker", 1), member("resource-worker", 0)]).count == 3)
    }

    @Test func `what Kubernetes says of Services is no setting`() throws {
        let links = [
            "SERVICE_HOST": "10.0.0.1", "SERVICE_PORT": "9092", "SERVICE_PORT_TCP_CLIENTS": "9092",
            "PORT": "tcp://10.0.0.1:9092", "PORT_9092_TCP": "tcp://10.0.0.1:9092", "PORT_9092_TCP_PROTO": "tcp",
            "PORT_9092_TCP_PORT": "9092", "PORT_9092_TCP_ADDR": "10.0.0.1",
        ]
        var environment = ["SLIPWAY_KAFKA_BROKERS": "b:9092", "SLIPWAY_KAFKA_CLIENT_ID": "agent"]
        for (name, value) in links {
            for service in ["SLIPWAY_KAFKA", "SLIPWAY_KAFKA_BOOTSTRAP", "SLIPWAY_KAFKA_BROKERS"] {
                environment["\(service)_\(name)"] = value
            }
        }
        let kafka = try Settings(environment: environment).kafka(logger: Logger(label: "test"))
        #expect(kafka.bootstrapServers == "b:9092")
        #expect(kafka.properties == ["client.id": "agent"])
    }

    @Test(arguments: ["127.0.0.1", "0.0.0.0", "::", "::1", "fd00::2"])
    func `health is served on addresses of both kinds`(host: String) throws {
        let settings = Settings(environment: ["SLIPWAY_HTTP_HOST": host, "SLIPWAY_HTTP_PORT": "8080"])
        #expect(try HealthServer.port(settings) == 8080)
    }

    @Test(arguments: ["here", "localhost", "1.2.3", ":::", "[::]"])
    func `a host that is no address is named`(host: String) {
        let settings = Settings(environment: ["SLIPWAY_HTTP_HOST": host, "SLIPWAY_HTTP_PORT": "8080"])
        let error = #expect(throws: StartError.self) { try HealthServer.port(settings) }
        #expect(
            error?.description == "SLIPWAY_HTTP_HOST is '\(host)'; it should be an address, such as '0.0.0.0' or '::'."
        )
    }

    @Test func `an unknown log level lists the known ones`() {
        let error = #expect(throws: StartError.self) {
            try Settings(environment: ["SLIPWAY_LOG_LEVEL": "loud"]).logLevel()
        }
        #expect(error?.description.contains("trace, debug, info") == true)
    }
}
