import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A socket whose other end a program reads as its standard input, and so learns that this process is gone.
///
/// The kernel closes this end whatever way this process ends. No other program inherits it.
public final class Lifeline: Sendable {
    private struct Ends {
        var own: CInt
        var others: CInt
    }

    private let ends: Mutex<Ends>

    /// Makes one.
    ///
    /// - Throws: ``ChildProcess/StartError`` where this process may have no more descriptors.
    public init() throws(ChildProcess.StartError) {
        var pair: [CInt] = [-1, -1]
        // A socket and not a pipe: it is made so that it closes on exec, and a write to it can do without SIGPIPE.
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &pair) == 0 else {
            throw ChildProcess.StartError(path: "a pair of sockets", number: errno)
        }
        ends = Mutex(Ends(own: pair[1], others: pair[0]))
    }

    deinit {
        handOver()
        cut()
    }

    /// What the program gets as its standard input, until it was ``handOver()``.
    public var stream: ChildProcess.Stream { .descriptor(ends.withLock(\.others)) }

    /// Closes the program's end in this process, once the program has it.
    public func handOver() { ends.withLock { Self.end(&$0.others) } }

    /// Writes a line that fits into an empty socket; a program that is gone does not need it.
    public func write(_ line: String) {
        let text = line + "\n"
        ends.withLock { ends in
            if ends.own >= 0 { _ = send(ends.own, text, text.utf8.count, CInt(MSG_NOSIGNAL)) }
        }
    }

    /// Lets the program see the end; the second time nothing happens.
    public func cut() { ends.withLock { Self.end(&$0.own) } }

    private static func end(_ descriptor: inout CInt) {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
