import FleetCheck
import Foundation

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
        var process: Process
        var input: FileHandle?
        var starts = 1
        /// How it may end without being noted.
        var end = Ending.none
    }

    /// Where this program lies, and the fleet's beside it; asked for once, since a program may be replaced meanwhile.
    static let programs = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    /// Where the workers of another version lie, if one is to run for a while.
    var otherPrograms: URL?
    var environment: [String: String] = [:]
    private let folder: String
    private let record: LineWriter<RecordLine>
    private let log: RunLog
    private var slots: [String: Slot] = [:]

    init(folder: String, record: LineWriter<RecordLine>, log: RunLog) {
        (self.folder, self.record, self.log) = (folder, record, log)
    }

    /// The slots of a kind whose process lives, in order.
    func living(_ executable: String) -> [String] {
        slots.filter { $0.value.executable == executable && $0.value.process.isRunning }.map(\.key).sorted()
    }

    func pid(of slot: String) -> Int32? {
        slots[slot].flatMap { $0.process.isRunning ? $0.process.processIdentifier : nil }
    }

    func slot(ofPID pid: Int32) -> String? {
        slots.first { $0.value.process.isRunning && $0.value.process.processIdentifier == pid }?.key
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
        let process = Process()
        process.executableURL = path
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("SLIPWAY_") || Self.passedOn.contains($0.key) }
            .merging(environment) { $1 }.merging(more) { $1 }
        let output = try outputFile(of: slot)
        process.standardOutput = output
        process.standardError = output
        let pipe = takesOrders ? Pipe() : nil
        process.standardInput = pipe ?? FileHandle.nullDevice
        try process.run()
        slots[slot] = Slot(
            executable: executable,
            arguments: arguments,
            more: more,
            process: process,
            input: pipe?.fileHandleForWriting,
            starts: starts(of: slot) + 1
        )
        return process.processIdentifier
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
        let limit = Date().addingTimeInterval(seconds)
        while process.isRunning, Date() < limit { Thread.sleep(forTimeInterval: 0.02) }
        if process.isRunning {
            note(slot, "it did not end within \(Int(seconds)) seconds of SIGTERM")
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            return false
        }
        let isGood = process.terminationReason == .exit && process.terminationStatus == 0
        if !isGood { note(slot, "it ended with \(ending(of: process)) after SIGTERM") }
        return isGood
    }

    /// Kills the slot's process and waits for its end.
    func kill9(_ slot: String) {
        guard let process = slots[slot]?.process, process.isRunning else { return noteEnd(of: slot) }
        signal(SIGKILL, slot)
        process.waitUntilExit()
    }

    /// Writes an order to the slot's standard input.
    func order(_ slot: String, _ line: String) {
        try? slots[slot]?.input?.write(contentsOf: Data((line + "\n").utf8))
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
        guard let state = slots[slot], !state.process.isRunning else { return false }
        switch state.end {
        case .none: return true
        case .any: return false
        case .code(let code):
            return state.process.terminationReason != .exit || state.process.terminationStatus != code
        }
    }

    /// Notes an end that is a surprise, once.
    private func noteEnd(of slot: String) {
        guard isSurprise(slot), let process = slots[slot]?.process else { return }
        note(slot, "it ended by itself with \(ending(of: process)): \(lastLine(of: slot))")
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

    private func ending(of process: Process) -> String {
        process.terminationReason == .uncaughtSignal
            ? "signal \(process.terminationStatus)" : "exit code \(process.terminationStatus)"
    }

    /// What the slot's processes wrote so far.
    func output(of slot: String) -> String {
        (try? String(contentsOfFile: logPath(of: slot), encoding: .utf8)) ?? ""
    }

    /// The last thing they wrote.
    func lastLine(of slot: String) -> String {
        output(of: slot).split(separator: "\n").last.map { String($0.prefix(300)) } ?? ""
    }

    private func outputFile(of slot: String) throws -> FileHandle {
        try FileManager.default.createDirectory(atPath: folder + "/logs", withIntermediateDirectories: true)
        let path = logPath(of: slot)
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        guard let handle = FileHandle(forWritingAtPath: path) else { throw ChaosFailure("'\(path)' cannot be written") }
        try handle.seekToEnd()
        return handle
    }
}
