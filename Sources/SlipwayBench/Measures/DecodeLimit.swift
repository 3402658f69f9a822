import Kafka
import SimdjsonLimit
import WorkerRuntime

/// What decoding is compared with: simdjson's on-demand API, and six fields of the object made Swift strings.
///
/// It checks nothing that it does not read, and its documents lie padded where they are: no lane can have less to do.
final class DecodeLimit {
    private let parser = simdjson_limit_new()
    private let documents: [[UInt8]]
    private let padding = simdjson_limit_padding()
    private typealias Texts = (String, String, String, String, String, String)
    /// What was read last, so that it is really made.
    private var texts: Texts?

    init(_ records: [KafkaRecord]) {
        let padding = padding
        documents = records.map { ($0.value ?? []) + Array(repeating: 0, count: padding) }
    }

    deinit { simdjson_limit_free(parser) }

    /// Reads each document, as many as there are messages in a batch; returns how long that took.
    func read() throws -> Duration {
        let began = ContinuousClock.now
        for document in documents {
            var fields = simdjson_limit_fields()
            guard simdjson_limit_read(parser, document, document.count - padding, &fields) else {
                throw StartError("simdjson found no object of Kubernetes.")
            }
            texts = Self.texts(fields)
        }
        return .now - began
    }

    private static func texts(_ fields: simdjson_limit_fields) -> Texts {
        func text(_ start: UnsafePointer<UInt8>?, _ count: Int) -> String {
            String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
        }
        let (start, count) = (fields.start, fields.count)
        return (
            text(start.0, count.0), text(start.1, count.1), text(start.2, count.2), text(start.3, count.3),
            text(start.4, count.4), text(start.5, count.5)
        )
    }
}
