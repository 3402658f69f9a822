import Foundation
import WorkerRuntime

/// What each worker costs while it has nothing to do, and how long it takes until it is ready.
enum IdleBench {
    static let workers = [
        "release-worker", "deployment-worker", "agent-worker", "resource-worker", "timekeeper", "outbox-relay",
    ]

    static func run(seconds: Int) throws -> [Sample] {
        let world = try BenchWorld()
        let keySet = world.folder + "/token-keys.json"
        try Data(#"{"keys":[]}"#.utf8).write(to: URL(filePath: keySet))
        let began = ContinuousClock.now
        for worker in workers {
            try world.start(worker, [], ["SLIPWAY_TOKEN_KEYS": keySet, "SLIPWAY_KAFKA_FETCH_WAIT_MAX_MS": "500"])
        }
        let limit = began + .seconds(60)
        while try world.workersSeen() < workers.count {
            guard ContinuousClock.now < limit else {
                throw StartError("Not every worker said within 60 s that it lives.")
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
        let started = ContinuousClock.now - began
        // What joining a group costs is over by then: the mock broker lets a first member wait for 3 s.
        Thread.sleep(forTimeInterval: 10)
        let before = world.usage()
        Thread.sleep(forTimeInterval: Double(seconds))
        let idle = world.usage(since: before).flatMap { process -> [Sample] in
            let share = process.cpu / Double(seconds) * 100
            return [Sample("idle: \(process.name)", share, "% of a core", digits: 2)]
                + process.memorySamples(of: "idle")
        }
        return [Sample("start-up: six workers at once, until each says it lives", started.seconds, "s", digits: 2)]
            + idle
    }
}
