import CRdkafka

/// An `rd_kafka_event_t` with one owner; results read from it are valid as long as it lives.
struct RDKafkaEvent: ~Copyable {
    let pointer: OpaquePointer

    /// Takes over an event a queue gave.
    init(consuming pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { rd_kafka_event_destroy(pointer) }
}
