import Dispatch
import Synchronization

/// Runs asynchronous work to its end on the thread that calls.
///
/// For the few parts of a library that are asynchronous only in form. Every step of the work, actors' too, runs here and
/// none on the cooperative pool, so that nothing waits for a pool whose threads may all be waiting. The work must not
/// wait for anything outside of itself.
final class CallingThread: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private let arrived = DispatchSemaphore(value: 0)

    private init() {}

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        arrived.signal()
    }

    /// Runs the body and returns what it returns.
    static func run<R: Sendable>(_ body: @escaping @Sendable () async -> R) -> R {
        let thread = CallingThread()
        let result = Box<R>()
        _ = Task(executorPreference: thread) {
            let value = await body()
            result.value.withLock { $0 = value }
        }
        while true {
            if let value = result.value.withLock({ $0 }) { return value }
            thread.runNext()
        }
    }

    private func runNext() {
        arrived.wait()
        let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        job?.runSynchronously(on: asUnownedTaskExecutor())
    }

    private final class Box<R: Sendable>: Sendable {
        let value = Mutex<R?>(nil)
    }
}
