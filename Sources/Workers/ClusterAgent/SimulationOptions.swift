import ArgumentParser
import ClusterAgent
import WorkerRuntime

/// How the simulated cluster behaves, and how its agent fails.
struct SimulationOptions: ParsableArguments {
    @Option(
        help: "What names, times and faults vary by; the same seed plays the same. Another one each time by default."
    )
    var seed: UInt64?
    @Option(help: "How many times as fast as usual pods start and kubelets back off.")
    var speed = 1.0
    @Option(
        help:
            "How every release goes wrong: \(SimulatedFailure.names); values may say so too, 'simulate: {failure: …}'."
    )
    var failure: String?
    @Flag(help: "Make a plain Deployment and Service of every release, also where helm is on the path.")
    var withoutHelm = false
    @Option(
        help: """
            The file in which the cluster outlives this process; other processes may have the same cluster at the same time. It \
            goes with the process by default.
            """
    )
    var clusterState: String?
    @Flag(help: .hidden)
    var doesAgain = false
    @Option(help: "How many messages in a hundred are sent twice.")
    var duplicatePercent = 0.0
    @Option(help: "How many messages in a hundred are sent behind the one after them.")
    var reorderPercent = 0.0
    @Option(help: "Go offline that many seconds after the start.")
    var offlineAfter: Int?
    @Option(help: "Stay offline for that many seconds.")
    var offlineSeconds = 20
    @Option(help: "Start again with a new boot that many seconds after the start.")
    var restartAfter: Int?
    @Option(help: "Have a clock that is that many seconds ahead; behind where negative.")
    var clockAhead: Int?
    @Option(help: "Have somebody set the clock right that many seconds after the start.")
    var clockRightAfter = Int.max
    @Option(help: "Keep changing the state of that many made-up instances.")
    var loadInstances: Int?
    @Option(help: "How many of those changes a second.")
    var loadRate = 100

    mutating func validate() throws {
        let percents = 0.0...100.0
        guard percents.contains(duplicatePercent), percents.contains(reorderPercent) else {
            throw ValidationError("A percentage should be from 0 to 100.")
        }
        guard speed > 0, offlineSeconds >= 0, loadRate >= 0, loadInstances ?? 1 > 0 else {
            throw ValidationError("Speeds, seconds, rates and counts should not be negative.")
        }
    }

    private var chosenSeed: UInt64 { seed ?? UInt64.random(in: UInt64.min...UInt64.max) }

    func cluster(named name: String) throws -> SimulatedCluster {
        let chosen = failure.flatMap(SimulatedFailure.init(rawValue:))
        if let failure, chosen == nil {
            throw StartError("--failure is '\(failure)'; it should be one of \(SimulatedFailure.names).")
        }
        let file: ClusterFile?
        do {
            file = try clusterState.map { try ClusterFile($0) }
        } catch {
            throw StartError("\(error)")
        }
        return SimulatedCluster(
            name: name,
            seed: chosenSeed,
            timings: SimulatedTimings(speed: speed),
            failure: chosen,
            helm: withoutHelm ? nil : HelmTemplate(),
            file: file,
            doesAgain: doesAgain
        )
    }

    func applied(to configuration: AgentConfiguration) -> AgentConfiguration {
        var configuration = configuration
        configuration.seed = chosenSeed
        configuration.duplicatePercent = duplicatePercent
        configuration.reorderPercent = reorderPercent
        configuration.offline = offlineAfter.map { (after: $0, seconds: offlineSeconds) }
        configuration.restartAfter = restartAfter
        configuration.wrongClock = clockAhead.map { (ahead: $0, until: clockRightAfter) }
        configuration.load = loadInstances.map { ResourceLoad(seed: chosenSeed, instances: $0) }
        configuration.loadRate = loadRate
        return configuration
    }
}
