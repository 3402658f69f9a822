import CRdkafka

extension KafkaAdmin {
    /// The topic's properties, by name.
    public func describeConfiguration(
        _ topic: String,
        timeout: Duration
    ) throws(KafkaError) -> [KafkaConfigurationEntry] {
        var resources: [OpaquePointer?] = [try Self.makeResource(topic)]
        defer { rd_kafka_ConfigResource_destroy(resources[0]) }
        let operation = "read the topic's configuration"
        let event = try request(operation, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout: timeout) {
            rd_kafka_DescribeConfigs($0, &resources, 1, $1, $2)
        }
        var count = 0
        let result = rd_kafka_event_DescribeConfigs_result(event.pointer)
        let answers = rd_kafka_DescribeConfigs_result_resources(result, &count)
        guard count > 0, let answer = answers?[0] else { return [] }
        try Self.check(answer, operation)
        var entryCount = 0
        let entries = rd_kafka_ConfigResource_configs(answer, &entryCount)
        return UnsafeBufferPointer(start: entries, count: entries == nil ? 0 : entryCount)
            .compactMap { $0.map { KafkaConfigurationEntry($0) } }
            .sorted { $0.name < $1.name }
    }

    /// Sets some of the topic's properties and keeps the others that were set on it.
    ///
    /// librdkafka 2.0.2 only knows the request that replaces all of them, so they are read first: a change made by
    /// somebody else in between is lost.
    public func alterConfiguration(
        _ topic: String,
        _ changes: [String: String],
        timeout: Duration
    ) throws(KafkaError) {
        let operation = "change the topic's configuration"
        var values: [String: String] = [:]
        for entry in try describeConfiguration(topic, timeout: timeout) where entry.isSetOnTopic {
            guard let value = entry.value ?? changes[entry.name] else {
                let reason = "the broker does not show \"\(entry.name)\", so it cannot be kept"
                throw KafkaError(.invalidArgument, operation: operation, reason: reason)
            }
            values[entry.name] = value
        }
        values.merge(changes) { _, changed in changed }
        var resources: [OpaquePointer?] = [try Self.makeResource(topic)]
        defer { rd_kafka_ConfigResource_destroy(resources[0]) }
        for (name, value) in values {
            try KafkaError.check(rd_kafka_ConfigResource_set_config(resources[0], name, value), operation)
        }
        let event = try request(operation, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, timeout: timeout) {
            rd_kafka_AlterConfigs($0, &resources, 1, $1, $2)
        }
        var count = 0
        let result = rd_kafka_event_AlterConfigs_result(event.pointer)
        let answers = rd_kafka_AlterConfigs_result_resources(result, &count)
        if count > 0, let answer = answers?[0] { try Self.check(answer, operation) }
    }

    private static func makeResource(_ topic: String) throws(KafkaError) -> OpaquePointer {
        guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic) else {
            throw KafkaError(.invalidArgument, operation: "name the topic", reason: "a topic's name is not empty")
        }
        return resource
    }

    private static func check(_ answer: OpaquePointer, _ operation: String) throws(KafkaError) {
        let code = rd_kafka_ConfigResource_error(answer)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        let reason = rd_kafka_ConfigResource_error_string(answer).map { String(cString: $0) }
        throw KafkaError(KafkaError.Code(code), operation: operation, reason: reason)
    }
}

extension KafkaConfigurationEntry {
    init(_ entry: OpaquePointer) {
        name = String(cString: rd_kafka_ConfigEntry_name(entry))
        value = rd_kafka_ConfigEntry_value(entry).map { String(cString: $0) }
        isSetOnTopic = rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG
        isReadOnly = rd_kafka_ConfigEntry_is_read_only(entry) == 1
    }
}
