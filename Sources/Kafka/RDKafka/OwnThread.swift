import Dispatch
import Glibc

/// Runs one blocking C call on a thread of its own, so that the caller can stop waiting for it.
enum OwnThread {
    /// Runs the body and returns whether it ended within the limit; it goes on to its end in any case.
    static func run(waitingAtMost limit: Duration, _ body: @escaping @Sendable () -> Void) -> Bool {
        let end = DispatchSemaphore(value: 0)
        let job = Unmanaged.passRetained(
            Job {
                body()
                end.signal()
            }
        )
        var thread = pthread_t()
        let result = pthread_create(
            &thread,
            nil,
            { context in
                if let context { Unmanaged<Job>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            },
            job.toOpaque()
        )
        guard result == 0 else {
            job.release()
            return false
        }
        pthread_detach(thread)
        return end.wait(timeout: .now() + .milliseconds(Int(limit.timeoutMilliseconds))) == .success
    }

    private final class Job: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
}
