import Kafka
import WorkerRuntime

/// A producer that keeps a bounded number of messages ahead of the workers, about objects that are known after a while.
final class LoadAhead {
    /// How many messages may wait: more than the lanes' queues hold, so that no worker ever idles.
    private static let most = 40_000

    private let producer: KafkaProducer
    private var load: ResourceLoad
    private var sent = 0

    init(_ world: BenchWorld) throws {
        load = ResourceLoad(fleetKey: try world.fleetKey, ResourceLoad.Shape(novelty: .allKnown))
        var settings = world.kafka
        settings.properties["linger.ms"] = "20"
        producer = try KafkaProducer(settings)
    }

    func close() {
        producer.close()
    }

    /// Sends what is missing, then gives the producer some time.
    func fill(beyond consumed: Int, pause: Duration) throws {
        while sent < consumed + Self.most {
            try producer.sendWaiting(load.next(), tag: UInt64(sent))
            sent += 1
            if sent % 1000 == 0 { _ = producer.poll(timeout: .zero) }
        }
        _ = producer.poll(timeout: pause)
    }
}
