import FleetCheck
import Foundation
import Postgres
import Processes
import Synchronization

/// One run from its start to its verdict.
final class ChaosRun {
    private let seed: UInt64
    private let workers: Int
    private let rate: Double
    private let mutant: Mutant?
    private let other: String?
    private let folder: String
    private let keepsFolder: Bool
    private let log = RunLog()

    init(seed: UInt64, workers: Int, rate: Double, mutant: Mutant?, other: String?, folder: String?) {
        (self.seed, self.workers, self.rate, self.mutant, self.other) = (seed, workers, rate, mutant, other)
        keepsFolder = folder != nil
        self.folder = folder ?? NSTemporaryDirectory() + "slipway-chaos-\(ProcessInfo.processInfo.processIdentifier)"
    }

    /// Returns the exit code.
    ///
    /// - Parameter isWhole: Whether it plays whatever there is, and not some chosen faults only.
    func run(_ schedule: Schedule, isWhole: Bool) throws -> Int32 {
        log.line("seed \(seed), \(schedule.entries.count) faults, \(workers) of each worker; logs in \(folder)")
        let grows = schedule.entries.contains { $0.fault == .partitionsAdded }
        let world = try ChaosWorld(seed: seed, folder: folder, log: log, grows: grows)
        var code: Int32 = 3
        defer { world.end(keepsFolder: keepsFolder || code != 0) }
        world.areForgetful = mutant == .doneAgain
        try world.start(workersOfAKind: workers)
        world.fleet.otherPrograms = other.map { URL(filePath: $0) }
        let load = LoadThread(seed: seed, kafka: world.kafka, token: world.token, record: world.record)
        load.start(rate: rate)
        try prepare(world, load)
        let sampler = Sampler(url: world.directURL, kafka: world.kafka, record: world.record)
        sampler.start()
        let striker = try mutant.map { try MutantThread($0, url: world.directURL, log: log) }
        load.setOn(true)
        let player = FaultPlayer(world: world, load: load)
        try player.idle(until: .now + .seconds(8))
        let before = load.takeTimes()
        let places = load.answeredPlaces
        try player.play(schedule)
        striker?.stop()
        let during = load.takeTimes()
        let end = ContinuousClock.now
        try player.idle(until: end + .seconds(8))
        // A cluster that was lost has lost the namespaces of its environments.
        try waitForAnswers(at: places.filter { !world.isLost($0.probe.cluster(ofPlace: $0.number)) }, end, load, player)
        let after = load.takeTimes()
        sampler.stop()
        guard sampler.samples >= 10 else { throw ChaosFailure("too few samples were taken to judge what only rises") }
        player.saw(.staleFence, player.allFencings())
        for (situation, count) in player.sightings {
            try world.record.write(RecordLine(sighting: Sighting(situation, count: count)))
        }
        try settle(world, load)
        let report = Report(
            log: log,
            faults: player.played,
            answers: player.answers,
            notPlayed: player.notPlayed,
            load: load,
            samples: sampler.samples
        )
        report.show(before: before, during: during, after: after)
        code = Self.code(judged: try judge(world, isWhole: isWhole), missing: player.missing, isWhole: isWhole)
        if !player.missing.isEmpty {
            log.line("the run does not count; not played: \(player.missing.map(\.rawValue).joined(separator: ", "))")
        }
        return code
    }

    /// Waits until a probe is answered at each place; one that is not within a minute is noted as the fleet's end.
    private func waitForAnswers(
        at places: Set<ProbeBook.Place>,
        _ end: ContinuousClock.Instant,
        _ load: LoadThread,
        _ player: FaultPlayer
    ) throws {
        var silent = places.sorted { $0.words < $1.words }
        while ContinuousClock.now < end + .seconds(60) {
            silent.removeAll { load.wasAnswered(at: $0, since: end) }
            guard !silent.isEmpty else { return }
            try player.idle(until: .now + .milliseconds(200))
        }
        for place in silent {
            let says = "no \(place.words) was answered within a minute of the last fault, as one was before the first"
            log.line("  ! \(says)")
            try player.world.record.write(RecordLine(ending: UnexpectedEnd(process: "the fleet", says: says)))
        }
    }

    /// Makes projects, clusters with their agents, environments and releases, and waits for each step.
    private func prepare(_ world: ChaosWorld, _ load: LoadThread) throws {
        for (number, step) in Load.preparation(seed: seed).enumerated() {
            load.send(step)
            let ids = step.filter { $0.topic == "deployment.requests" }.map(\.id)
            let limit = ContinuousClock.now + .seconds(120)
            while !load.haveEnded(ids) {
                if let failure = load.failure { throw ChaosFailure(failure) }
                guard ContinuousClock.now < limit else {
                    throw ChaosFailure("the fleet did not start within two minutes")
                }
                try world.fleet.watch()
                Thread.sleep(forTimeInterval: 0.05)
            }
            if number == 0 { for cluster in ChaosWorld.clusters { try world.startAgent(of: cluster) } }
        }
        log.line(
            "the fleet runs; \(LoadPlace.projects.count * LoadPlace.environments.count) environments on \(ChaosWorld.clusters.count) clusters"
        )
    }

    /// Stops the load, waits until all is done, stops the fleet, and lets the observer read to the end.
    private func settle(_ world: ChaosWorld, _ load: LoadThread) throws {
        world.proxy.heal()
        load.stop(limit: .seconds(60))
        if let failure = load.failure { throw ChaosFailure(failure) }
        log.line("faults and load are over: \(load.sentCount) messages were sent; waiting until all is settled")
        let settling = try Settling(world)
        defer { settling.close() }
        let began = ContinuousClock.now
        // Every half minute it is said what is left.
        for _ in 0..<5 {
            let left = try settling.wait(limit: .seconds(30), isIdle: false)
            report(left, after: began)
            if left.isEmpty { break }
        }
        for cluster in ChaosWorld.clusters { world.fleet.stop("agent-\(cluster)") }
        report(try settling.wait(limit: .seconds(40), isIdle: true), after: began)
        for kind in FleetProcesses.workers { for slot in world.fleet.living(kind) { world.fleet.stop(slot) } }
        guard world.fleet.pid(of: "observer") != nil else { throw ChaosFailure("the observer is gone") }
        guard world.fleet.stop("observer", within: 90) else {
            throw ChaosFailure("the observer did not read the topics to their ends")
        }
        // An order that the broker did not understand is a fault that was not played.
        let refused = world.fleet.output(of: "broker").split(separator: "\n").filter { $0.contains("was not done") }
        if let line = refused.first { throw ChaosFailure("the broker: \(line)") }
    }

    private func report(_ left: [String], after began: ContinuousClock.Instant) {
        let took = String(format: "%.1f s", (ContinuousClock.now - began).inSeconds)
        log.line(left.isEmpty ? "settled after \(took)" : "not settled after \(took): \(left.joined(separator: ", "))")
    }

    /// The exit code of a run.
    ///
    /// One that did not play all that it was to play proves too little, whatever was judged of it; and of one that plays
    /// chosen faults only, no rare situations are asked.
    static func code(judged: Int32, missing: [Fault], isWhole: Bool) -> Int32 {
        guard judged == 0 || judged == 2 else { return judged }
        return !missing.isEmpty || (judged == 2 && isWhole) ? 2 : 0
    }

    private func judge(_ world: ChaosWorld, isWhole: Bool) throws -> Int32 {
        let command =
            [
                FleetProcesses.programs.appending(path: "slipway-check").path, "judge", "--record", world.recordPath,
                "--messages", world.messagesPath, "--clusters", world.clustersPath, "--database-url", world.directURL,
                "--topic-prefix", ChaosWorld.prefix,
            ] + (isWhole ? [] : ["--chosen-faults"])
        log.plain()
        let ending = try ChildProcess(command).wait()
        log.plain()
        return ending.shellCode
    }
}

/// Breaks a promise every second, on a thread of its own.
final class MutantThread: Sendable {
    private let isStopping = Atomic(false)

    init(_ mutant: Mutant, url: String, log: RunLog) throws {
        let connection = try PostgresConnection(PostgresConfiguration(url: url))
        try mutant.begin(on: connection)
        connection.close()
        log.line("a promise is broken from now on: \(mutant.rawValue)")
        Thread.detachNewThread { [self] in
            while !isStopping.load(ordering: .relaxed) {
                if let connection = try? PostgresConnection(PostgresConfiguration(url: url)) {
                    try? mutant.strike(on: connection)
                    connection.close()
                }
                Thread.sleep(forTimeInterval: 1)
            }
        }
    }

    func stop() { isStopping.store(true, ordering: .relaxed) }
}
