import FleetCheck
import Foundation
import Postgres

/// Workers that are killed, stopped and moved.
extension FaultPlayer {
    func kill(aOf kind: String) throws -> String {
        let slots = fleet.living(kind)
        guard !slots.isEmpty else { throw NotPlayed("no \(kind) lives") }
        let slot = random.pick(slots)
        fleet.kill9(slot)
        wait(Double(random.number(300...1500)) / 1000)
        try fleet.startAgain(slot)
        return slot
    }

    func killRepeatedly() throws -> String {
        let kind = random.pick(["deployment-worker", "agent-worker", "resource-worker", "outbox-relay"])
        var count = 0
        for _ in 0..<4 {
            for slot in fleet.living(kind) {
                fleet.kill9(slot)
                try fleet.startAgain(slot)
                count += 1
            }
            wait(1)
        }
        return "\(kind), \(count) times"
    }

    /// Kills whoever comes first to a point of the path of a batch.
    func kill(at point: String) throws -> String {
        guard let slot = try catchProcess(at: point) else { throw NotPlayed("nobody came to \(point)") }
        fleet.kill9(slot)
        letPass(point)
        wait(0.5)
        try fleet.startAgain(slot)
        return "\(slot) at \(point)"
    }

    /// Kills a relay between publishing and deleting, when it holds a state, which nobody but an outbox sends twice.
    func killAfterPublishing() throws -> String {
        let point = "afterPublish"
        let limit = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < limit, let slot = try catchProcess(at: point) {
            guard try holdsStates(slot) else {
                letPass(point)
                // Who waits there looks every 10 ms whether it may pass.
                wait(0.1)
                continue
            }
            let pid = fleet.pid(of: slot)
            fleet.kill9(slot)
            letPass(point)
            if let pid { try endLeases(ofRelay: pid) }
            wait(0.5)
            try fleet.startAgain(slot)
            return "\(slot) at \(point)"
        }
        throw NotPlayed("no relay came to \(point) with a state")
    }

    /// Stops whoever comes first to a point until others have taken over, then wakes it; once more where it was not fenced.
    func zombie(at point: String) throws -> String {
        let (target, isFenced) = try stopUntilTakenOver(at: point)
        // In a transaction it may be the database that ends it first.
        if isFenced || point == "inTransaction" { return target }
        world.log.line("  \(target), and nothing of it was fenced: once more")
        let again = try stopUntilTakenOver(at: point)
        return again.target + (again.isFenced ? "" : ", and nothing was fenced")
    }

    /// Waits until others own every partition of the process: which one its batch is of is not known here.
    ///
    /// The mock broker gives a lost member's partitions to others only after two sessions.
    private func stopUntilTakenOver(at point: String) throws -> (target: String, isFenced: Bool) {
        guard let slot = try catchProcess(at: point), let pid = fleet.pid(of: slot) else {
            throw NotPlayed("nobody came to \(point)")
        }
        let before = try epochs(of: pid)
        let fencedBefore = fencings(in: slot)
        fleet.signal(SIGSTOP, slot)
        letPass(point)
        var taken = 0
        let patience = ContinuousClock.now + .seconds(35)
        while taken < before.count, ContinuousClock.now < patience {
            wait(0.5)
            let now = try epochs()
            taken = before.count { name, epoch in now[name].map { $0 > epoch } ?? false }
        }
        fleet.signal(SIGCONT, slot)
        let limit = ContinuousClock.now + .seconds(8)
        while fencings(in: slot) == fencedBefore, ContinuousClock.now < limit, fleet.pid(of: slot) == pid { wait(0.05) }
        guard taken > 0 else { throw NotPlayed("no partition of \(slot) at \(point) was taken over") }
        // Where others have only some of them, the one of the transaction may not be among those.
        if point == "inTransaction", taken == before.count { saw(.rebalanceInTransaction) }
        return (
            "\(slot) at \(point): \(taken) of \(before.count) partitions taken over", fencings(in: slot) > fencedBefore
        )
    }

    func pause(aOf kind: String, seconds: Double) throws -> String {
        let slots = fleet.living(kind)
        guard !slots.isEmpty else { throw NotPlayed("no \(kind) lives") }
        let slot = random.pick(slots)
        fleet.signal(SIGSTOP, slot)
        wait(seconds)
        fleet.signal(SIGCONT, slot)
        return "\(slot) for \(Int(seconds)) s"
    }

    func stopAndStart() throws -> String {
        let slot = random.pick(FleetProcesses.workers.flatMap(fleet.living))
        fleet.stop(slot)
        try fleet.startAgain(slot)
        return slot
    }

    /// Has a worker end at once while it ends in order, as an impatient orchestrator does.
    func terminateTwice() throws -> String {
        let slot = random.pick(FleetProcesses.workers.flatMap(fleet.living))
        fleet.signal(SIGTERM, slot)
        // Both at once would count as one.
        wait(0.03)
        let wasAlive = fleet.pid(of: slot) != nil
        fleet.signal(SIGTERM, slot)
        let limit = ContinuousClock.now + .seconds(5)
        while fleet.pid(of: slot) != nil, ContinuousClock.now < limit { wait(0.01) }
        guard fleet.pid(of: slot) == nil else {
            throw ChaosFailure("\(slot) did not end within 5 s of a second SIGTERM")
        }
        try fleet.startAgain(slot)
        guard wasAlive else { throw NotPlayed("\(slot) had ended before the second SIGTERM") }
        return slot
    }

    /// Leaves one worker of a kind, has four for a while, and one again.
    func scaleOutAndIn() throws -> String {
        let kind = random.pick(FleetProcesses.workers)
        let others = Array(fleet.living(kind).dropFirst())
        for slot in others { fleet.stop(slot) }
        wait(2)
        let more = (1...3).map { "\(kind)-more-\($0)" }
        for slot in more { _ = try fleet.start(kind, slot: slot) }
        wait(6)
        for slot in more { fleet.stop(slot) }
        wait(2)
        for slot in others { try fleet.startAgain(slot) }
        return "\(kind) from 1 to 4 to 1"
    }

    func scaleUpAndDown() throws -> String {
        let kind = random.pick(FleetProcesses.workers)
        _ = try fleet.start(kind, slot: "\(kind)-more")
        wait(5)
        fleet.stop("\(kind)-more")
        return "one more \(kind) for 5 s"
    }

    /// Replaces every worker, one after the other, as an upgrade does: by the other version, where one is named, and back.
    func rollingRestart() throws -> String {
        let slots = FleetProcesses.workers.flatMap(fleet.living)
        for programs in [fleet.otherPrograms, FleetProcesses.programs].compactMap({ $0 }) {
            for slot in slots {
                fleet.stop(slot)
                try fleet.startAgain(slot, from: programs)
                wait(0.5)
                guard fleet.pid(of: slot) != nil else {
                    throw ChaosFailure("\(slot) of \(programs.path) did not stay: \(fleet.lastLine(of: slot))")
                }
            }
        }
        return "\(slots.count) workers" + (fleet.otherPrograms == nil ? "" : ", by another version and back")
    }

    /// Workers of one kind that go on with a wrong clock: one ten minutes ahead, one as much behind.
    func wrongClock() throws -> String {
        let kind = random.pick(FleetProcesses.workers)
        let wrong = Array(zip(fleet.living(kind), ["600", "-600"].shuffled(using: &random)))
        let saidBefore = wrong.map { saysWrongClock($0.0) }
        for (slot, ahead) in wrong {
            fleet.stop(slot)
            try fleet.startAgain(slot, ["SLIPWAY_TEST_CLOCK_AHEAD": ahead])
        }
        wait(9)
        let worked = zip(wrong, saidBefore).count { saysWrongClock($0.0) > $1 && fleet.pid(of: $0.0) != nil }
        for (slot, _) in wrong {
            fleet.stop(slot)
            try fleet.startAgain(slot, ["SLIPWAY_TEST_CLOCK_AHEAD": "0"])
        }
        guard worked == wrong.count, worked > 0 else {
            throw NotPlayed("\(worked) of \(wrong.count) workers went on with a wrong clock")
        }
        return wrong.map { "\($0) by \($1) s" }.joined(separator: ", ")
    }

    /// How often the slot's processes said that their clock is wrong.
    private func saysWrongClock(_ slot: String) -> Int {
        fleet.output(of: slot).components(separatedBy: "this worker's clock is wrong").count - 1
    }

    // MARK: Points of the path of a batch

    /// Waits until a process stands at the point and returns its slot; others wait there too until it may be passed.
    private func catchProcess(at point: String) throws -> String? {
        let signals = world.folder + "/signals"
        for name in try FileManager.default.contentsOfDirectory(atPath: signals) where name.hasPrefix("reached.") {
            try? FileManager.default.removeItem(atPath: "\(signals)/\(name)")
        }
        _ = FileManager.default.createFile(atPath: "\(signals)/hold.\(point)", contents: nil)
        let limit = ContinuousClock.now + .seconds(8)
        while ContinuousClock.now < limit {
            let names = try FileManager.default.contentsOfDirectory(atPath: signals)
            let pids = names.filter { $0.hasPrefix("reached.\(point).") }.compactMap {
                Int32($0.split(separator: ".").last ?? "")
            }
            // The stop of a release worker would move nothing: its messages are few.
            if let slot = pids.compactMap(fleet.slot(ofPID:)).sorted().first(where: { !$0.hasPrefix("release") }) {
                return slot
            }
            wait(0.01)
        }
        letPass(point)
        return nil
    }

    private func letPass(_ point: String) {
        try? FileManager.default.removeItem(atPath: "\(world.folder)/signals/hold.\(point)")
    }

    /// The epochs of the partitions that a process owns, or of all.
    private func epochs(of pid: Int32? = nil) throws -> [String: Int64] {
        let connection = try world.database()
        defer { connection.close() }
        let rows = try connection.query(
            """
            select consumer_group || ' ' || topic || ' ' || partition, epoch from partition_claim
            where owner like $1
            """,
            // A lane is named host-process-number.
            [.text(pid.map { "%-\($0)-%" } ?? "%")]
        )
        return Dictionary(uniqueKeysWithValues: try rows.map { (try $0.string(0), try $0.int64(1)) })
    }

    /// Has the leases of a relay that is dead be over: by the time at which they would be, newer states may have followed all
    /// that it held, and only those are published again.
    private func endLeases(ofRelay pid: Int32) throws {
        let connection = try world.database()
        defer { connection.close() }
        let owner: [PostgresValue] = [.text("%-\(pid)-%")]
        _ = try connection.query("update outbox_lease set lease_until = '-infinity' where owner like $1", owner)
        _ = try connection.query("delete from outbox_relay where owner like $1", owner)
    }

    /// Whether the outbox has a state in a shard of the relay.
    private func holdsStates(_ slot: String) throws -> Bool {
        guard let pid = fleet.pid(of: slot) else { return false }
        let connection = try world.database()
        defer { connection.close() }
        let rows = try connection.query(
            """
            select 1 from outbox_message m join outbox_lease l using (shard)
            where l.owner like $1 and m.topic like '%.status' limit 1
            """,
            [.text("%-\(pid)-%")]
        )
        return !rows.isEmpty
    }

    /// How often the slot's processes said that they were fenced.
    private func fencings(in slot: String) -> Int {
        fleet.output(of: slot).components(separatedBy: "fenced: another lane").count - 1
    }

    /// How often any worker said that it was fenced.
    func allFencings() -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: world.folder + "/logs")) ?? []
        return names.map { fencings(in: String($0.dropLast(4))) }.reduce(0, +)
    }
}
