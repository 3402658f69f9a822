import Foundation
import Processes

/// Runs a program that must not outlive the agent: it is killed when the guard's standard input ends.
///
/// The agent holds the other end of that socket; the kernel closes it whatever way the agent dies.
public enum HelmGuard {
    /// Runs until the program has ended; blocks.
    ///
    /// - Returns: The program's exit code; 127 where it cannot be run.
    public static func run(_ program: String, _ arguments: [String]) -> Int32 {
        guard let process = try? ChildProcess([program] + arguments) else { return 127 }
        let watch = Thread {
            // Nothing is ever written: the read ends when the agent is gone, or has closed the socket to stop it.
            _ = FileHandle.standardInput.readData(ofLength: 1)
            process.signal(SIGKILL)
        }
        watch.start()
        return process.wait().shellCode
    }
}
