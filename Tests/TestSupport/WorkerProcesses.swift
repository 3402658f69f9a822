import Foundation
import Processes

/// An executable of the fleet as a process of its own, ended with the test.
public final class WorkerProcessHandle {
    private let process: ChildProcess
    /// Ends what runs where the tests are ended before their time.
    private static let guardian = try? ProcessGuard()
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
        process = try ChildProcess(
            [executable.path] + arguments,
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
            input: input.map { .file($0) } ?? .null,
            output: .file(log),
            errors: .file(log)
        )
        Self.guardian?.add(process)
    }

    /// An executable of the fleet: it lies beside the test bundle.
    public static func executable(_ name: String) throws -> URL {
        let here = URL(filePath: OwnExecutable.folder, directoryHint: .isDirectory)
        let bundle = CommandLine.arguments.first.map { URL(filePath: $0).deletingLastPathComponent() }
        let candidates = [here, bundle].compactMap { $0?.appending(path: name) }
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) else {
            throw NotSeen(description: "the executable \(name) beside the tests")
        }
        return found
    }

    deinit {
        process.signal(SIGKILL)
        process.wait()
        Self.guardian?.remove(process)
    }

    /// The process's id.
    public var pid: Int32 { process.id }
    /// Whether it lives.
    public var isRunning: Bool { process.isRunning }
    /// What it wrote.
    public var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Sends a signal.
    public func signal(_ number: Int32) {
        process.signal(number)
    }

    /// Waits for its end; returns the exit code, 128 more than a signal's number.
    public func exitCode(within limit: Duration = .seconds(40)) throws -> Int32 {
        guard let ending = process.wait(atMost: limit * patience) else {
            throw NotSeen(description: "the end of \(name)")
        }
        return ending.shellCode
    }
}
