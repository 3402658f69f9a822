import FleetCheck
import Foundation
import Processes

/// The processes of a run, each in a slot that outlives it.
///
/// Used by one thread.
final class FleetProcesses {
    /// What the run's own environment may say of the fleet's logs.
    private static let passedOn: Set<String> = ["SLIPWAY_KAFKA_DEBUG", "SLIPWAY_LOG_LEVEL"]
    static let workers = [
        "release-worker", "deployment-worker", "agent-worker", "resource-worker", "outbox-relay", "timekeeper",
    ]

    /// Which end of a process is no surprise.
    private enum Ending: Equatable {
        case none
        /// The run has ended it.
        case any
        /// By itself, with this exit code.
        case code(Int32)
    }

    /// A place in the fleet and who fills it.
    private struct Slot {
        let executable: String
        let arguments: [String]
        let more: [String: String]
        var process: ChildProcess
        var orders: Lifeline?
        var starts = 1
        /// How it may end without being noted.
        var end = Ending.none
    }

    /// Where this program lies, and the fleet's beside it.
    static let programs = URL(filePath: OwnExecutable.folder, directoryHint: .isDirectory)
    /// Where the workers of another version lie, if one is to run for a while.
    var otherPrograms: URL?
    var environment: [String: String] = [:]
    private let folder: String
    private let record: LineWriter<RecordLine>
    private let log: RunLog
    private var slots: [String: Slot] = [:]
    /// Ends what runs where this process is ended before its time.
    private let guardian: ProcessGuard

    init(folder: String, record: LineWriter<RecordLine>, log: RunLog) throws {
        (self.folder, self.record, self.log) = (folder, record, log)
        guardian = try ProcessGuard()
    }

    /// The slots of a kind whose process lives, in order.
    func living(_ executable: String) -> [String] {
        slots.filter { $0.value.executable == executable && $0.value.process.isRunning }.map(\.key).sorted()
    }

    func pid(of slot: String) -> Int32? {
        slots[slot].flatMap { $0.process.isRunning ? $0.process.id : nil }
    }

    func slot(ofPID pid: Int32) -> String? {
        slots.first { $0.value.process.isRunning && $0.value.process.id == pid }?.key
    }

    func starts(of slot: String) -> Int { slots[slot]?.starts ?? 0 }

    /// Where the slot's processes write.
    func logPath(of slot: String) -> String { "\(folder)/logs/\(slot).log" }

    /// Starts a process in a slot that is free, with the executable that lies beside this one or in another folder.
    func start(
        _ executable: String,
        slot: String,
        _ arguments: [String] = [],
        _ more: [String: String] = [:],
        takesOrders: Bool = false,
        from programs: URL = FleetProcesses.programs
    ) throws -> Int32 {
        let path = programs.appending(path: executable)
        guard FileManager.default.isExecutableFile(atPath: path.path) else {
            throw ChaosFailure("'\(path.path)' is missing; build the whole package first")
        }
        try FileManager.default.createDirectory(atPath: folder + "/logs", withIntermediateDirectories: true)
        let orders = takesOrders ? try Lifeline() : nil
        let process = try ChildProcess(
            [path.path] + arguments,
            environment: ProcessInfo.processInfo.environment
                .filter { !$0.key.hasPrefix("SLIPWAY_") || Self.passedOn.contains($0.key) }
                .merging(environment) { $1 }.merging(more) { $1 },
            input: orders?.stream ?? .null,
            output: .file(logPath(of: slot)),
            errors: .file(logPath(of: slot))
        )
        orders?.handOver()
        if let before = slots[slot]?.process { guardian.remove(before) }
        guardian.add(process)
        slots[slot] = Slot(
            executable: executable,
            arguments: arguments,
            more: more,
            process: process,
            orders: orders,
            starts: starts(of: slot) + 1
        )
        return process.id
    }

    /// Starts the slot's executable again, as it was started before.
    func startAgain(
        _ slot: String,
        _ more: [String: String] = [:],
        from programs: URL = FleetProcesses.programs
    ) throws {
        guard let before = slots[slot], !before.process.isRunning else { return }
        _ = try start(before.executable, slot: slot, before.arguments, before.more.merging(more) { $1 }, from: programs)
    }

    /// Sends a signal; one that ends the process makes its end no surprise.
    func signal(_ number: Int32, _ slot: String) {
        guard let pid = pid(of: slot) else { return }
        if number == SIGKILL || number == SIGTERM { slots[slot]?.end = .any }
        kill(pid, number)
    }

    /// Says that the slot's process may end by itself from now on, with one exit code.
    func allowEnd(of slot: String, with code: Int32) { slots[slot]?.end = .code(code) }

    /// Sends SIGTERM and waits; a process that does not end with code 0 in time is noted.
    ///
    /// - Returns: Whether it did.
    @discardableResult
    func stop(_ slot: String, within seconds: TimeInterval = 20) -> Bool {
        guard let process = slots[slot]?.process, process.isRunning else {
            noteEnd(of: slot)
            return false
        }
        signal(SIGTERM, slot)
        guard let ending = process.wait(atMost: .seconds(seconds)) else {
            note(slot, "it did not end within \(Int(seconds)) seconds of SIGTERM")
            process.signal(SIGKILL)
            process.wait()
            return false
        }
        if ending != .code(0) { note(slot, "it ended with \(ending) after SIGTERM") }
        return ending == .code(0)
    }

    /// Kills the slot's process and waits for its end.
    func kill9(_ slot: String) {
        guard let process = slots[slot]?.process, process.isRunning else { return noteEnd(of: slot) }
        signal(SIGKILL, slot)
        process.wait()
    }

    /// Writes an order to the slot's standard input.
    func order(_ slot: String, _ line: String) {
        slots[slot]?.orders?.write(line)
    }

    /// Notes who ended by itself, and starts it again.
    func watch() throws {
        for slot in slots.keys.sorted() where isSurprise(slot) {
            noteEnd(of: slot)
            try startAgain(slot)
        }
    }

    /// Whether the slot's process has ended as it should not have.
    private func isSurprise(_ slot: String) -> Bool {
        guard let state = slots[slot], let ending = state.process.ending else { return false }
        switch state.end {
        case .none: return true
        case .any: return false
        case .code(let code): return ending != .code(code)
        }
    }

    /// Notes an end that is a surprise, once.
    private func noteEnd(of slot: String) {
        guard isSurprise(slot), let ending = slots[slot]?.process.ending else { return }
        note(slot, "it ended by itself with \(ending): \(lastLine(of: slot))")
        slots[slot]?.end = .any
    }

    func killAll() {
        for slot in slots.keys.sorted() {
            if let pid = pid(of: slot) { kill(pid, SIGCONT) }
            kill9(slot)
        }
    }

    private func note(_ slot: String, _ says: String) {
        log.line("  ! \(slot): \(says)")
        try? record.write(RecordLine(ending: UnexpectedEnd(process: slot, says: says)))
    }

    /// What the slot's processes wrote so far.
    func output(of slot: String) -> String {
        (try? String(contentsOfFile: logPath(of: slot), encoding: .utf8)) ?? ""
    }

    /// The last thing they wrote.
    func lastLine(of slot: String) -> String {
        output(of: slot).split(separator: "\n").last.map { String($0.prefix(300)) } ?? ""
    }
}
