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

    /// A place in the fleet and who fills it.
    private struct Slot {
        let executable: String
        let arguments: [String]
        let more: [String: String]
        var process: Process
        var input: FileHandle?
        var starts = 1
        /// Whether its end is the run's doing.
        var mayEnd = false
    }

    /// Where this program lies, and the fleet's beside it; asked for once, since a program may be replaced meanwhile.
    static let programs = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
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

    /// Starts a process in a slot that is free, with the executable that lies beside this one.
    func start(
        _ executable: String,
        slot: String,
        _ arguments: [String] = [],
        _ more: [String: String] = [:],
        takesOrders: Bool = false
    ) throws -> Int32 {
        let path = Self.programs.appending(path: executable)
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
    func startAgain(_ slot: String, _ more: [String: String] = [:]) throws {
        guard let before = slots[slot], !before.process.isRunning else { return }
        _ = try start(before.executable, slot: slot, before.arguments, before.more.merging(more) { $1 })
    }

    /// Sends a signal; one that ends the process makes its end no surprise.
    func signal(_ number: Int32, _ slot: String) {
        guard let pid = pid(of: slot) else { return }
        if number == SIGKILL || number == SIGTERM { slots[slot]?.mayEnd = true }
        kill(pid, number)
    }

    /// Says that the slot's process may end by itself from now on.
    func allowEnd(of slot: String) { slots[slot]?.mayEnd = true }

    /// Sends SIGTERM and waits; a process that does not end with code 0 within 20 seconds is noted.
    func stop(_ slot: String) {
        guard let process = slots[slot]?.process, process.isRunning else { return }
        signal(SIGTERM, slot)
        let limit = Date().addingTimeInterval(20)
        while process.isRunning, Date() < limit { Thread.sleep(forTimeInterval: 0.02) }
        if process.isRunning {
            note(slot, "it did not end within 20 seconds of SIGTERM")
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        } else if process.terminationReason == .uncaughtSignal || process.terminationStatus != 0 {
            note(slot, "it ended with \(ending(of: process)) after SIGTERM")
        }
    }

    /// Kills the slot's process and waits for its end.
    func kill9(_ slot: String) {
        guard let process = slots[slot]?.process, process.isRunning else { return }
        signal(SIGKILL, slot)
        process.waitUntilExit()
    }

    /// Writes an order to the slot's standard input.
    func order(_ slot: String, _ line: String) {
        try? slots[slot]?.input?.write(contentsOf: Data((line + "\n").utf8))
    }

    /// Notes who ended by itself, and starts it again.
    func watch() throws {
        for (slot, state) in slots where !state.process.isRunning && !state.mayEnd {
            note(slot, "it ended by itself with \(ending(of: state.process)): \(lastLine(of: slot))")
            slots[slot]?.mayEnd = true
            try startAgain(slot)
        }
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

    private func lastLine(of slot: String) -> String {
        let text = (try? String(contentsOfFile: logPath(of: slot), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").last.map { String($0.prefix(300)) } ?? ""
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
