import CRdkafka
import Logging

/// What librdkafka's callbacks collect for the owner of a client.
///
/// librdkafka keeps a retained pointer to this object from ``register(in:)`` until ``unregister()``, which is called
/// after the handle was destroyed. `@unchecked Sendable` holds because all callbacks but the log run inside a poll on
/// the owner's thread (while closing: on the closing thread, for which the owner waits), and the log only reads the
/// logger.
final class RDKafkaCallbacks: @unchecked Sendable {
    let logger: Logger?
    var rebalances: [KafkaConsumerEvent] = []
    var deliveries: [KafkaDelivery] = []
    var topics = RDKafkaTopics()
    /// The newest error librdkafka reported outside any call.
    var latestError: KafkaError?
    /// Set while closing: a rebalance is then answered inside the callback.
    var isClosing = false
    private let statistics: RDKafkaStatistics?

    init(_ settings: KafkaSettings) {
        logger = settings.logger
        let interval = settings.properties["statistics.interval.ms"] ?? "0"
        statistics = interval == "0" ? nil : RDKafkaStatistics(settings.metricsFactory)
    }

    func register(in configuration: borrowing RDKafkaConfiguration, role: RDKafkaHandle.Role) {
        let context = Unmanaged.passRetained(self).toOpaque()
        let (hasLogger, hasStatistics) = (logger != nil, statistics != nil)
        configuration.withPointer { pointer in
            rd_kafka_conf_set_opaque(pointer, context)
            rd_kafka_conf_set_log_cb(pointer, hasLogger ? Self.logLine : nil)
            rd_kafka_conf_set_error_cb(pointer, Self.errorReported)
            if hasStatistics { rd_kafka_conf_set_stats_cb(pointer, Self.statisticsArrived) }
            switch role {
            case .consumer: rd_kafka_conf_set_rebalance_cb(pointer, Self.rebalanced)
            case .producer: rd_kafka_conf_set_dr_msg_cb(pointer, Self.delivered)
            case .admin: break
            }
        }
    }

    func unregister() {
        Unmanaged.passUnretained(self).release()
    }

    static func of(_ opaque: UnsafeMutableRawPointer?) -> RDKafkaCallbacks? {
        opaque.map { Unmanaged<RDKafkaCallbacks>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let logLine:
        @convention(c) (OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Void = {
            client,
            level,
            facility,
            line in
            guard let client, let line, let callbacks = of(rd_kafka_opaque(client)) else { return }
            callbacks.logger?.log(
                level: Logger.Level(syslog: level),
                "\(String(cString: line))",
                metadata: ["kafka.facility": "\(facility.map { String(cString: $0) } ?? "")"]
            )
        }

    private static let errorReported:
        @convention(c) (OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Void = {
            _,
            code,
            reason,
            opaque in
            of(opaque)?.latestError = KafkaError(
                KafkaError.Code(rawValue: code),
                operation: "work with the cluster",
                reason: reason.map { String(cString: $0) }
            )
        }

    private static let statisticsArrived:
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?, Int, UnsafeMutableRawPointer?) -> Int32 = {
            _,
            json,
            count,
            opaque in
            if let json { of(opaque)?.statistics?.record(UnsafeRawBufferPointer(start: json, count: count)) }
            return 0  // librdkafka frees the text.
        }
}

extension Logger.Level {
    /// Syslog's numbers, as librdkafka uses them.
    init(syslog level: Int32) {
        self =
            switch level {
            case ...2: .critical
            case 3: .error
            case 4: .warning
            case 5: .notice
            case 6: .info
            default: .debug
            }
    }
}
