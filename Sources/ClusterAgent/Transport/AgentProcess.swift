import Dispatch
import Foundation
import Synchronization

/// A process that is an agent: its loop on a thread of its own, and a clean end on SIGTERM.
public enum AgentProcess {
    /// Runs an agent until SIGTERM or SIGINT, or until it is superseded; a second signal ends the process at once.
    ///
    /// - Parameter makeLoop: Makes the agent, on its thread.
    /// - Throws: What keeps the agent from running.
    public static func run(_ makeLoop: @escaping @Sendable () throws -> AgentLoop) async throws -> AgentEnd {
        let isStopping = StopFlag()
        signal(SIGPIPE, SIG_IGN)
        let signals = [SIGTERM, SIGINT].map { watch($0, isStopping) }
        defer { signals.forEach { $0.cancel() } }
        return try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
                continuation.resume(with: Result { try makeLoop().run { isStopping.value } })
            }
            thread.name = "agent"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    private static func watch(_ number: Int32, _ flag: StopFlag) -> any DispatchSourceSignal {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            if flag.raise() { _exit(128 + number) }
        }
        source.resume()
        return source
    }
}

/// Whether the process was asked to stop.
private final class StopFlag: Sendable {
    private let raised = Atomic(false)

    var value: Bool { raised.load(ordering: .relaxed) }

    /// Returns whether it was raised before.
    func raise() -> Bool { raised.exchange(true, ordering: .relaxed) }
}
