import Foundation

/// Runs what blocks on a thread of its own, never on the cooperative pool.
enum OwnThread {
    /// Starts a thread and waits, without blocking, for what its body returns or throws.
    static func run<R: Sendable, Failure: Error>(
        _ name: String,
        _ body: @escaping @Sendable () throws(Failure) -> R
    ) async throws(Failure) -> R {
        let result: Result<R, Failure> = await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: Result { () throws(Failure) in try body() }) }
            thread.name = name
            thread.start()
        }
        return try result.get()
    }
}
