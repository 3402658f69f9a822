import Kafka
import Testing

@Suite(.timeLimit(.minutes(1))) struct SettingsTests {
    @Test func `a property librdkafka does not know is named in one sentence`() {
        let settings = KafkaSettings(bootstrapServers: "", properties: ["sesion.timeout.ms": "1"])
        let error = #expect(throws: KafkaError.self) { try KafkaProducer(settings) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.reason.contains("\"sesion.timeout.ms\"") == true)
        #expect(error?.reason.contains("does not know") == true)
    }

    @Test func `a value that is not accepted is named with its property`() {
        let settings = KafkaSettings(bootstrapServers: "", properties: ["session.timeout.ms": "soon"])
        let error = #expect(throws: KafkaError.self) { try KafkaConsumer(settings, group: "g", topics: ["t"]) }
        #expect(error?.reason.contains("\"session.timeout.ms\"") == true)
    }

    @Test(arguments: [
        ("message.timeout.ms", "5e+06", 5), ("queue.buffering.max.kbytes", "64MB", 64), ("linger.ms", "5ms", 5),
    ])
    func `a number that would be read in part is refused`(name: String, value: String, read: Int) {
        let settings = KafkaSettings(bootstrapServers: "", properties: [name: value])
        let error = #expect(throws: KafkaError.self) { try KafkaProducer(settings) }
        #expect(error?.reason.contains("\"\(name)\" is \"\(value)\"") == true, "\(error?.reason ?? "")")
        #expect(error?.reason.contains("read it as \(read).") == true)
    }

    @Test(arguments: [
        ("message.max.bytes", "5000000"), ("message.max.bytes", " 5000000 "),
        ("linger.ms", "0.5"), ("linger.ms", "5.0"), ("client.id", "64MB"), ("client.id", "007"), ("acks", "-1"),
        ("acks", "all"), ("enable.idempotence", "true"),
    ])
    func `what is a number, or need not be one, is taken`(name: String, value: String) throws {
        try KafkaProducer(KafkaSettings(bootstrapServers: "", properties: [name: value])).close()
    }

    @Test(arguments: [
        ["reconnect.backoff.ms": "5000"], ["reconnect.backoff.ms": " 5000 "], ["reconnect.backoff.ms": "3600000"],
        ["reconnect.backoff.ms": "5000", "reconnect.backoff.max.ms": "9000"],
    ])
    func `the first pause before a broker is tried again may be longer than the longest one usually is`(
        properties: [String: String]
    ) throws {
        try KafkaProducer(KafkaSettings(bootstrapServers: "", properties: properties)).close()
    }

    @Test func `the value of a secret is not repeated`() {
        let properties = ["security.protocol": "ssl", "ssl.key.pem": "hunter2"]
        let settings = KafkaSettings(bootstrapServers: "", properties: properties)
        let error = #expect(throws: KafkaError.self) { try KafkaProducer(settings) }
        #expect(error.map { "\($0)".contains("hunter2") } == false)
    }

    @Test func `properties that contradict each other keep the client from being made`() {
        let settings = KafkaSettings(bootstrapServers: "", properties: ["acks": "1"])
        let error = #expect(throws: KafkaError.self) { try KafkaProducer(settings) }
        #expect(error?.operation == "create the Kafka client")
        #expect(error?.reason.contains("acks") == true)
    }
}
