import CloudEvents
import Domain
import Foundation
import JSON
import Kafka
import WorkerRuntime

/// Decoding as the handler sees it, with and without checking signatures; encoding of a status event.
///
/// Once from messages in memory, and once from messages that come out of a consumer, where librdkafka first parses their
/// headers when they are asked for, as in a lane.
enum DecodeBench {
    private static let topic = "slipway.resource.changes"
    private static let messagesOfARound = 20_000
    private static let messagesOfABatch = 500

    static func run(count: Int) throws -> [Sample] {
        let fleetKey = try FleetKey(base64: FleetKey.random())
        let cluster = try KafkaMockCluster()
        defer { cluster.close() }
        var settings = cluster.settings
        settings.properties["fetch.wait.max.ms"] = "5"
        try fill(settings, fleetKey, cluster)
        var load = ResourceLoad(fleetKey: fleetKey)
        let records = (0..<messagesOfABatch).map { _ in load.next() }
        let inMemory = records.map { KafkaMessageView(of: $0) }
        let limit = DecodeLimit(records)
        let trusting = ResourceHandler(fleetKey: fleetKey, verifier: TrustingVerifier())
        let checking = ResourceHandler(fleetKey: fleetKey)
        let decoded = try rates(count, inMemory, trusting, beside: limit)
        let consumed = try rates(count, settings, trusting, beside: limit)
        return [
            Sample("decode a resource change (560 B)", decoded.decoded, "messages/s"),
            Sample("simdjson alone, six of its fields as strings", decoded.limit, "messages/s"),
            Sample("decode a resource change, of that", decoded.decoded / decoded.limit, "x", digits: 2),
            Sample("decode one from a consumer", consumed.decoded, "messages/s"),
            Sample("decode one from a consumer, of that", consumed.decoded / consumed.limit, "x", digits: 2),
            Sample(
                "decode one and check its signature",
                try rates(count / 2, settings, checking, beside: limit).decoded,
                "messages/s"
            ),
            Sample("encode the status of a resource", try FixedPath.encodeRate(count / 4), "messages/s"),
        ]
    }

    private static func fill(_ settings: KafkaSettings, _ fleetKey: FleetKey, _ cluster: KafkaMockCluster) throws {
        try cluster.createTopic(topic, partitions: BenchWorld.partitions)
        var load = ResourceLoad(fleetKey: fleetKey)
        let producer = try KafkaProducer(settings)
        for index in 0..<messagesOfARound {
            try producer.send(load.next(), tag: UInt64(index))
            if index % 1000 == 0 { _ = producer.poll(timeout: .zero) }
        }
        _ = try producer.flush(timeout: .seconds(60))
        producer.close()
    }

    private static func rates(
        _ count: Int,
        _ views: [KafkaMessageView],
        _ handler: ResourceHandler,
        beside limit: DecodeLimit
    ) throws -> (decoded: Double, limit: Double) {
        var (took, limitTook) = (Duration.zero, Duration.zero)
        var done = 0
        while done < count {
            took += try decode(views, handler)
            limitTook += try limit.read()
            done += views.count
        }
        return (Double(done) / took.seconds, Double(done) / limitTook.seconds)
    }

    private static func decode(_ views: [KafkaMessageView], _ handler: ResourceHandler) throws -> Duration {
        let began = ContinuousClock.now
        for view in views {
            do { _ = try handler.decode(view) } catch { throw StartError("\(error)") }
        }
        return .now - began
    }

    /// Decodes batches right after they were polled and gives their headers back, as a lane does, and the limit's by turns;
    /// the polling is not counted.
    private static func rates(
        _ count: Int,
        _ settings: KafkaSettings,
        _ handler: ResourceHandler,
        beside limit: DecodeLimit
    ) throws -> (decoded: Double, limit: Double) {
        var (took, limitTook) = (Duration.zero, Duration.zero)
        var done = 0
        while done < count {
            let reader = try KafkaReader(settings)
            defer { reader.close() }
            try reader.read([topic], fromBeginning: true)
            for _ in 0..<(messagesOfARound / messagesOfABatch) {
                let messages = try poll(reader)
                took += try decode(messages, handler)
                limitTook += try limit.read()
                done += messages.count
            }
        }
        return (Double(done) / took.seconds, Double(done) / limitTook.seconds)
    }

    private static func decode(_ messages: [KafkaMessage], _ handler: ResourceHandler) throws -> Duration {
        let began = ContinuousClock.now
        for message in messages {
            do { _ = try handler.decode(KafkaMessageView(message, topic: "resource.changes")) } catch {
                throw StartError("\(error)")
            }
            message.forgetHeaders()
        }
        return .now - began
    }

    private static func poll(_ reader: KafkaReader) throws -> [KafkaMessage] {
        try (0..<messagesOfABatch).map { _ in
            guard let message = try reader.next(timeout: .seconds(10)) else {
                throw StartError("The broker did not give back every message.")
            }
            return message
        }
    }
}
