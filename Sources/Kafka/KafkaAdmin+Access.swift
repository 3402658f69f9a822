import CRdkafka

extension KafkaAdmin {
    /// Every entry of the brokers' access control lists.
    ///
    /// Brokers without an authoriser answer with ``KafkaError/Code/securityDisabled``, and who may not ask with
    /// ``KafkaError/Code/clusterAuthorizationFailed``.
    public func describeAccess(timeout: Duration) throws(KafkaError) -> [KafkaAccessEntry] {
        let operation = "read the access control lists"
        var text = [CChar](repeating: 0, count: 512)
        let filter = rd_kafka_AclBindingFilter_new(
            RD_KAFKA_RESOURCE_ANY,
            nil,
            RD_KAFKA_RESOURCE_PATTERN_ANY,
            nil,
            nil,
            RD_KAFKA_ACL_OPERATION_ANY,
            RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
            &text,
            text.count
        )
        guard let filter else { throw KafkaError(.invalidArgument, operation: operation, reason: String(cText: text)) }
        defer { rd_kafka_AclBinding_destroy(filter) }
        let event = try request(operation, RD_KAFKA_ADMIN_OP_DESCRIBEACLS, timeout: timeout) {
            rd_kafka_DescribeAcls($0, filter, $1, $2)
        }
        var count = 0
        let result = rd_kafka_event_DescribeAcls_result(event.pointer)
        let answers = rd_kafka_DescribeAcls_result_acls(result, &count)
        return UnsafeBufferPointer(start: answers, count: answers == nil ? 0 : count)
            .compactMap { $0.map { KafkaAccessEntry($0) } }
    }
}

extension KafkaAccessEntry {
    init(_ entry: OpaquePointer) {
        func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
        self.init(
            Resource(rd_kafka_AclBinding_restype(entry)),
            text(rd_kafka_AclBinding_name(entry)),
            isPrefix: rd_kafka_AclBinding_resource_pattern_type(entry) == RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
            principal: text(rd_kafka_AclBinding_principal(entry)),
            host: text(rd_kafka_AclBinding_host(entry)),
            operation: Operation(rd_kafka_AclBinding_operation(entry)),
            isAllowed: rd_kafka_AclBinding_permission_type(entry) == RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW
        )
    }
}

extension KafkaAccessEntry.Resource {
    fileprivate init(_ type: rd_kafka_ResourceType_t) {
        switch type {
        case RD_KAFKA_RESOURCE_TOPIC: self = .topic
        case RD_KAFKA_RESOURCE_GROUP: self = .group
        case RD_KAFKA_RESOURCE_BROKER: self = .cluster
        default: self = .other
        }
    }
}

extension KafkaAccessEntry.Operation {
    fileprivate init(_ operation: rd_kafka_AclOperation_t) {
        switch operation {
        case RD_KAFKA_ACL_OPERATION_ALL: self = .all
        case RD_KAFKA_ACL_OPERATION_READ: self = .read
        case RD_KAFKA_ACL_OPERATION_WRITE: self = .write
        case RD_KAFKA_ACL_OPERATION_DESCRIBE: self = .describe
        case RD_KAFKA_ACL_OPERATION_CREATE: self = .create
        case RD_KAFKA_ACL_OPERATION_DELETE: self = .delete
        case RD_KAFKA_ACL_OPERATION_ALTER: self = .alter
        default: self = .other
        }
    }
}
