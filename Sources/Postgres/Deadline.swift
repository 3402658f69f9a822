#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A point of the monotonic clock, or none.
struct Deadline {
    private let nanoseconds: UInt64?

    static let never = Deadline(after: nil)

    init(after duration: Duration?) {
        nanoseconds = duration.map { Self.now + UInt64(max(0, $0.wholeMilliseconds)) * 1_000_000 }
    }

    /// The time left in the form `poll(2)` takes: -1 is for ever, 0 is over.
    var pollTimeout: CInt {
        guard let nanoseconds else { return -1 }
        let now = Self.now
        guard nanoseconds > now else { return 0 }
        return CInt(clamping: (nanoseconds - now + 999_999) / 1_000_000)
    }

    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// Waits until a socket can be read or written.
enum Socket {
    /// Blocks until one of the events came.
    ///
    /// - Returns: The events that came, 0 when the deadline has passed.
    static func wait(_ descriptor: CInt, for events: Int32, until deadline: Deadline) -> Int32 {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, deadline.pollTimeout)
            if count > 0 { return Int32(entry.revents) }
            if count == 0 { return 0 }
            // Any failure but an interruption is left to the read that follows.
            if errno != EINTR { return events }
        }
    }
}
