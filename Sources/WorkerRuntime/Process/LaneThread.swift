import Foundation
import Logging

/// Runs blocking work on a thread of its own, never on the cooperative pool.
enum LaneThread {
    /// Starts a thread and waits, without blocking, for what its body returns.
    static func run<R: Sendable>(name: String, _ body: @escaping @Sendable (String) -> R) async -> R {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: body(name)) }
            thread.name = name
            thread.stackSize = 4 << 20
            thread.start()
        }
    }
}

/// Ends a process one of whose lanes stands still: a stuck lane would keep its partitions for ever.
struct Watchdog: Sendable {
    let pulses: [LanePulse]
    let limit: Duration

    func start(logger: Logger) {
        let thread = Thread {
            while true {
                Thread.sleep(forTimeInterval: 1)
                guard let age = pulses.map(\.age).max(), age > limit else { continue }
                logger.critical("a lane stood still for \(age); ending the process")
                _exit(70)
            }
        }
        thread.name = "watchdog"
        thread.start()
    }
}
