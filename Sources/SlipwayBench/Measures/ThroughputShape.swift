/// What a round on the hot path is like, where it differs from the usual.
struct ThroughputShape {
    var name: String
    var workers = 1
    var lanes = 1
    /// The most messages of a batch; `nil` leaves the worker its own, 1,000.
    var batch: Int?
    var load = ResourceLoad.Shape()
    var stock = BenchStock()
    /// Whether the first half of the messages is not counted: in it each instance that is touched is counted once.
    var isWarm = false
    /// How long each commit waits for its disk, beside what the machine's own takes: milliseconds.
    var commitDelay = 0
    var picture: Sample.Picture?

    /// How many messages are not counted.
    func warmUp(of count: Int) -> Int { isWarm ? count / 2 : 0 }

    static func lanes(_ lanes: Int) -> ThroughputShape {
        ThroughputShape(name: "\(lanes) lane\(lanes == 1 ? "" : "s")", lanes: lanes, picture: .throughput)
    }

    static func workers(_ workers: Int) -> ThroughputShape {
        ThroughputShape(name: "\(workers) worker\(workers == 1 ? "" : "s") of one lane", workers: workers)
    }

    /// The same where workers wait for the database longer than they compute: then neither is out of processors.
    static func waitingWorkers(_ workers: Int) -> ThroughputShape {
        var shape = Self.workers(workers)
        shape.commitDelay = 20
        shape.name += ", commits of \(shape.commitDelay) ms"
        return shape
    }

    /// By size of batches, size of messages, and how often an object is touched again.
    static let shapes: [ThroughputShape] =
        [50, 250, 2_000].map { (batch: Int) in ThroughputShape(name: "1 lane, batches of \(batch)", batch: batch) }
        + [300, 1_000, 8_000].map { bytes in
            ThroughputShape(name: "1 lane, objects of \(bytes) B", load: ResourceLoad.Shape(bytes: bytes))
        }
        + [
            ThroughputShape(name: "1 lane, all objects new", load: ResourceLoad.Shape(novelty: .allNew)),
            ThroughputShape(name: "1 lane, all objects known", load: ResourceLoad.Shape(novelty: .allKnown)),
            ThroughputShape(
                name: "1 lane, every message a repeat",
                load: ResourceLoad.Shape(isSentTwice: true),
                isWarm: true
            ),
        ]

    /// By what is stored before.
    static let growth: [ThroughputShape] =
        [10_000, 100_000, 1_000_000].map { stored in
            ThroughputShape(
                name: "1 lane, \(stored) objects stored",
                stock: BenchStock(resources: stored),
                isWarm: true
            )
        }
        + [1_000, 10_000, 100_000].map { instances in
            ThroughputShape(
                name: "1 lane, \(instances) instances",
                stock: BenchStock(instances: instances),
                isWarm: true
            )
        }
        + [10, 100, 1_000].map(environments)

    /// 8,000 objects, in so many environments of five instances each: where all else is the same, no batch folds more
    /// messages than another's, and the lane remembers them all.
    private static func environments(_ number: Int) -> ThroughputShape {
        ThroughputShape(
            name: "1 lane, \(number) environments",
            load: ResourceLoad.Shape(namespaces: number, novelty: .allKnown, known: 8_000 / number),
            stock: BenchStock(environments: number, instances: number * ResourceLoad.instancesPerNamespace),
            isWarm: true
        )
    }
}
