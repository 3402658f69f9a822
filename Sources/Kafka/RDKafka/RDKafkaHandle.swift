import CRdkafka
import Logging
import Synchronization

/// The one owner of an `rd_kafka_t`; whoever holds something that lives in it holds this too.
///
/// `@unchecked Sendable` holds because librdkafka's handles may be used from any thread and the stored properties do
/// not change; what the callbacks collect belongs to the polling thread (see ``RDKafkaCallbacks``).
final class RDKafkaHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    let callbacks: RDKafkaCallbacks
    /// Whether the last owner frees the handle; a handle that librdkafka cannot free safely is left to the process's
    /// end.
    let isDestroyable = Atomic<Bool>(true)
    /// Whether the last owner waits for librdkafka to stop its threads.
    let isWaitedFor = Atomic<Bool>(true)

    /// How long the last owner waits for librdkafka to stop its threads, which go on by themselves after it.
    private static let patience = Duration.seconds(2)

    /// What the client is for; it decides which callbacks it gets.
    enum Role {
        case consumer
        case producer
        case admin
    }

    init(
        _ role: Role,
        _ configuration: consuming RDKafkaConfiguration,
        callbacks: RDKafkaCallbacks
    ) throws(KafkaError) {
        callbacks.register(in: configuration, role: role)
        let pointer = configuration.take()
        var text = [CChar](repeating: 0, count: 512)
        let kind = role == .consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER
        guard let handle = rd_kafka_new(kind, pointer, &text, text.count) else {
            let code = KafkaError.Code(rd_kafka_last_error())
            rd_kafka_conf_destroy(pointer)
            callbacks.unregister()
            throw KafkaError(code, operation: "create the Kafka client", reason: String(cText: text))
        }
        self.pointer = handle
        self.callbacks = callbacks
    }

    deinit {
        guard isDestroyable.load(ordering: .acquiring) else { return }
        let (client, callbacks) = (RDKafkaPointer(raw: pointer), callbacks)
        let isWaitedFor = isWaitedFor.load(ordering: .acquiring)
        let isGone = OwnThread.run(waitingAtMost: isWaitedFor ? Self.patience : .zero) {
            rd_kafka_destroy(client.raw)
            callbacks.unregister()
        }
        if isWaitedFor, !isGone { callbacks.logger?.debug("librdkafka is still stopping its threads") }
    }

    /// The error that ended the client, if one did.
    var fatalError: KafkaError? {
        var text = [CChar](repeating: 0, count: 512)
        let code = rd_kafka_fatal_error(pointer, &text, text.count)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        return KafkaError(
            KafkaError.Code(code),
            operation: "continue",
            reason: String(cText: text),
            isFatal: true
        )
    }
}

/// librdkafka's client on its way to another thread.
///
/// `@unchecked Sendable` holds because librdkafka's calls on a client are safe from any thread.
struct RDKafkaPointer: @unchecked Sendable {
    let raw: OpaquePointer
}
