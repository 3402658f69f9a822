import Foundation

/// Runs a program that must not outlive the agent: it is killed when the guard's standard input ends.
///
/// The agent holds the other end of that pipe; the kernel closes it whatever way the agent dies.
public enum HelmGuard {
    /// Runs until the program has ended; blocks.
    ///
    /// - Returns: The program's exit code; 127 where it cannot be run.
    public static func run(_ program: String, _ arguments: [String]) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            return 127
        }
        let child = process.processIdentifier
        let watch = Thread {
            // Nothing is ever written: the read ends when the agent is gone, or has closed the pipe to stop it.
            _ = FileHandle.standardInput.readData(ofLength: 1)
            kill(child, SIGKILL)
        }
        watch.start()
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }
}
