import CRdkafka

/// An `rd_kafka_conf_t` until a client takes it over.
struct RDKafkaConfiguration: ~Copyable {
    private let pointer: OpaquePointer

    /// Applies the library's defaults, then the caller's properties.
    init(_ settings: KafkaSettings, defaults: [String: String]) throws(KafkaError) {
        var values = defaults
        values["bootstrap.servers"] = settings.bootstrapServers
        values["log.connection.close"] = "false"
        // A second small request on a connection would wait up to 40 ms for the acknowledgement of the first.
        values["socket.nagle.disable"] = "true"
        // Brokers that were away are tried again within two seconds, however long they were; librdkafka's ten are twice as
        // long as the fleet may need to be back.
        values["reconnect.backoff.max.ms"] = String(Self.longestPause(settings))
        values.merge(settings.properties) { _, given in given }
        let configuration: OpaquePointer = rd_kafka_conf_new()
        // In the order of names, so that of two wrong properties always the same one is reported.
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            if let error = Self.set(name, value, in: configuration) {
                rd_kafka_conf_destroy(configuration)
                throw error
            }
        }
        pointer = configuration
    }

    deinit { rd_kafka_conf_destroy(pointer) }

    /// Registers callbacks.
    borrowing func withPointer(_ body: (OpaquePointer) -> Void) {
        body(pointer)
    }

    /// Gives the pointer to `rd_kafka_new`, which frees it.
    consuming func take() -> OpaquePointer {
        let pointer = pointer
        discard self
        return pointer
    }

    /// The longest pause before a broker is tried again, in milliseconds, unless an operator sets another one.
    ///
    /// librdkafka makes no client of one that is shorter than the first pause, which an operator may have set longer; it takes
    /// an hour at most.
    private static func longestPause(_ settings: KafkaSettings) -> Int {
        let first = settings.properties["reconnect.backoff.ms", default: ""].filter { !$0.isWhitespace }
        return min(max(2_000, Int(first) ?? 0), 3_600_000)
    }

    private static func set(_ name: String, _ value: String, in configuration: OpaquePointer) -> KafkaError? {
        var text = [CChar](repeating: 0, count: 512)
        let result = rd_kafka_conf_set(configuration, name, value, &text, text.count)
        switch result {
        case RD_KAFKA_CONF_OK:
            guard let read = number(of: name, in: configuration), !isWhole(value, read) else { return nil }
            let reason =
                "The Kafka property \"\(name)\" is \"\(value)\"; it should be a whole number, and librdkafka would read it as \(read)."
            return KafkaError(.invalidArgument, operation: "configure the Kafka client", reason: reason)
        case RD_KAFKA_CONF_UNKNOWN:
            let version = String(cString: rd_kafka_version_str())
            let reason = "librdkafka \(version) does not know the Kafka property \"\(name)\"."
            return KafkaError(.invalidArgument, operation: "configure the Kafka client", reason: reason)
        default:
            let isSecret = ["password", "secret", "key", "sasl", "oauth"].contains { name.contains($0) }
            let detail = isSecret ? "its value is not accepted" : String(cText: text)
            let reason = "The Kafka property \"\(name)\" cannot be set: \(detail)."
            return KafkaError(.invalidArgument, operation: "configure the Kafka client", reason: reason)
        }
    }

    /// What librdkafka has read of a property, where that is a whole number.
    private static func number(of name: String, in configuration: OpaquePointer) -> Int64? {
        var text = [CChar](repeating: 0, count: 64)
        var size = text.count
        guard rd_kafka_conf_get(configuration, name, &text, &size) == RD_KAFKA_CONF_OK else { return nil }
        return Int64(String(cText: text))
    }

    /// Whether a value that begins as a number is that number as a whole: librdkafka leaves out what is behind its digits.
    private static func isWhole(_ value: String, _ read: Int64) -> Bool {
        let value = value.filter { !$0.isWhitespace }
        guard value.drop(while: { $0 == "-" || $0 == "+" }).first?.isNumber == true else { return true }
        return Double(value) == Double(read)
    }
}

extension String {
    /// The text before the first zero of a C buffer.
    init(cText buffer: [CChar]) {
        self.init(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
