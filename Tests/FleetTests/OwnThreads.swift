import Foundation
import Testing

/// Runs blocking tests on threads of their own, a few at a time: on Swift's pool there would be one for each core, which
/// mostly waits.
struct OwnThreads: TestTrait, SuiteTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(ThreadExecutor.shared) { try await function() }
    }
}

extension Trait where Self == OwnThreads {
    /// The test blocks its thread, and mostly waits.
    static var ownThreads: Self { OwnThreads() }
}

/// Tasks on a few threads that may block.
private final class ThreadExecutor: TaskExecutor {
    /// How many fleets run at a time: more of them keep two cores busy, and each other from being in time.
    static let shared = ThreadExecutor(
        width: ProcessInfo.processInfo.environment["SLIPWAY_TEST_FLEETS"].flatMap(Int.init) ?? 5
    )

    private let queue = JobQueue()

    init(width: Int) {
        for number in 1...max(1, width) {
            let thread = Thread { [queue] in
                while true { queue.next().runSynchronously(on: self.asUnownedTaskExecutor()) }
            }
            thread.name = "fleet \(number)"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        queue.add(UnownedJob(job))
    }
}

/// What waits for a thread, in order.
private final class JobQueue: @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []

    func add(_ job: UnownedJob) {
        condition.withLock { jobs.append(job) }
        condition.signal()
    }

    /// Waits for the next.
    func next() -> UnownedJob {
        condition.lock()
        defer { condition.unlock() }
        while jobs.isEmpty { condition.wait() }
        return jobs.removeFirst()
    }
}
