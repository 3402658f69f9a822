import Foundation

/// How the C library keeps the memory of a worker.
enum Heap {
    /// Does without fast bins, where the C library is glibc.
    ///
    /// A lane frees what librdkafka's threads have allocated, small blocks between large ones, and with each large block
    /// glibc sweeps all fast bins together: 4 % of a busy worker's CPU. What is freed and soon asked for again by the same
    /// thread is kept apart all the same (its thread's cache).
    static func goWithoutFastBins() {
        typealias Setter = @convention(c) (_ option: CInt, _ value: CInt) -> CInt
        guard let symbol = dlsym(nil, "mallopt") else { return }
        _ = unsafeBitCast(symbol, to: Setter.self)(mostBytesOfFastBin, 0)
    }

    /// `M_MXFAST` of `malloc.h`.
    private static let mostBytesOfFastBin: CInt = 1
}
