import Foundation

/// An executable of the fleet as a process of its own, ended with the test.
public final class WorkerProcessHandle {
    private let process = Process()
    /// The executable's name.
    public let name: String
    /// Where its output goes.
    public let log: String

    /// Starts an executable that lies beside the test bundle.
    ///
    /// - Parameter input: A file that is its standard input.
    public init(
        _ name: String,
        _ arguments: [String] = [],
        environment: [String: String],
        folder: String,
        input: String? = nil
    ) throws {
        let executable = try Self.executable(name)
        self.name = name
        log = "\(folder)/\(name)-\(UUID().uuidString.prefix(8)).log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.executableURL = executable
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let handle = FileHandle(forWritingAtPath: log)
        process.standardOutput = handle
        process.standardError = handle
        if let input { process.standardInput = FileHandle(forReadingAtPath: input) }
        try process.run()
    }

    /// An executable of the fleet: it lies beside the test bundle.
    public static func executable(_ name: String) throws -> URL {
        let here = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let bundle = CommandLine.arguments.first.map { URL(filePath: $0).deletingLastPathComponent() }
        let candidates = [here, bundle].compactMap { $0?.appending(path: name) }
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) else {
            throw NotSeen(description: "the executable \(name) beside the tests")
        }
        return found
    }

    deinit {
        if isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// The process's id.
    public var pid: Int32 { process.processIdentifier }
    /// Whether it lives.
    public var isRunning: Bool { process.isRunning && ended == nil }
    /// What it wrote.
    public var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Sends a signal.
    public func signal(_ number: Int32) {
        kill(process.processIdentifier, number)
    }

    /// Waits for its end; returns the exit code.
    public func exitCode(within limit: Duration = .seconds(40)) throws -> Int32 {
        try eventually("the end of \(process.executableURL?.lastPathComponent ?? "")", within: limit) {
            process.isRunning ? ended : process.terminationStatus
        }
    }

    /// How the process ended, asked of the kernel; `nil` while it lives, and where Foundation was told already.
    ///
    /// Foundation learns of an end when nobody holds the child's end of a socket any more, and a grandchild may.
    private var ended: Int32? {
        var info = siginfo_t()
        guard waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0, info.si_signo == SIGCHLD else {
            return nil
        }
        return info._sifields._sigchld.si_status
    }
}
