import CRdkafka

extension RDKafkaCallbacks {
    /// Keeps a delivery report for the next poll.
    static let delivered:
        @convention(c) (OpaquePointer?, UnsafePointer<rd_kafka_message_t>?, UnsafeMutableRawPointer?) -> Void = {
            _,
            message,
            opaque in
            guard let message, let callbacks = of(opaque) else { return }
            let topic = message.pointee.rkt.map { callbacks.topics.topic(of: $0).name } ?? ""
            let place = KafkaTopicPartition(topic: topic, partition: message.pointee.partition)
            let code = message.pointee.err
            let error =
                code == RD_KAFKA_RESP_ERR_NO_ERROR
                ? nil : KafkaError(KafkaError.Code(code), operation: "deliver a message", topicPartition: place)
            callbacks.deliveries.append(
                KafkaDelivery(
                    tag: crdkafka_message_tag(message),
                    position: KafkaPosition(place, offset: message.pointee.offset),
                    error: error
                )
            )
        }
}
