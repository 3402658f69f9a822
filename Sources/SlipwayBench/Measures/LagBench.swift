import Foundation
import Kafka
import WorkerRuntime

/// How long a fleet needs to catch up that was away for an hour, while messages go on to come.
///
/// At 50 messages a second an hour's are 180,000, which is about as many as the mock broker keeps.
enum LagBench {
    private static let (rate, lanes) = (50, 2)

    static func run(minutes: Int) throws -> [Sample] {
        let world = try BenchWorld()
        let waiting = rate * minutes * 60
        var load = try Backlog.produce(waiting, ResourceLoad.Shape(), world)
        let producer = try KafkaProducer(world.kafka)
        defer { producer.close() }
        let began = ContinuousClock.now
        try world.start("resource-worker", [], ["SLIPWAY_LANES": String(lanes)])
        try world.start("outbox-relay")
        var (sent, meter) = (waiting, SteadyMeter())
        let end = began + .seconds(300)
        while true {
            let consumed = try world.consumed()
            meter.note(consumed)
            if sent - consumed <= rate, try world.isPublished() { break }
            guard ContinuousClock.now < end else {
                throw RoundFailed("a backlog of \(waiting) messages was not caught up with within 300 s.")
            }
            let due = waiting + Int((ContinuousClock.now - began).seconds * Double(rate))
            while sent < due {
                try producer.sendWaiting(load.next(), tag: 0)
                sent += 1
            }
            _ = producer.poll(timeout: .milliseconds(20))
        }
        let name = "backlog of \(minutes) minutes at \(rate) messages/s (\(waiting) messages), \(lanes) lanes"
        let whole = (ContinuousClock.now - began).seconds
        return [
            Sample("\(name): caught up after, with the group's join", whole, "s", digits: 1),
            Sample("\(name): caught up after the first batch", meter.seconds, "s", digits: 1),
            Sample("\(name): rate", meter.rate, "messages/s"),
        ]
    }
}
