import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A program that this one has started, in a process group of its own, so that Ctrl-C on the terminal does not reach it.
///
/// Slipway starts no program with Foundation's `Process`: that of Swift 6.3 copies 256 bytes of each name in
/// `/proc/self/fd`, however short the name, and so ends the process that starts a program beside many open descriptors
/// now and then (swift-corelibs-foundation 5472).
///
/// Who starts a program looks at its end (``ending``, ``wait(atMost:)``) or leaves a zombie.
public final class ChildProcess: Sendable {
    /// Where one of the three standard streams leads.
    public enum Stream: Sendable {
        /// To nothing.
        case null
        /// Where this process's own leads.
        case inherited
        /// To an open descriptor, which stays the caller's.
        case descriptor(CInt)
        /// To the end of a file, made with this mode if it is not there, less what the process's mask takes away.
        case file(String, mode: mode_t = 0o666)
    }

    /// How a program has ended.
    public enum Ending: Hashable, Sendable, CustomStringConvertible {
        /// By itself, with this exit code.
        case code(CInt)
        /// By a signal.
        case signal(CInt)
        /// Somebody else has waited for it, so that nobody can say.
        case unknown

        /// Such as `exit code 3`.
        public var description: String {
            switch self {
            case .code(let code): "exit code \(code)"
            case .signal(let number): "signal \(number)"
            case .unknown: "an exit code that somebody else was told"
            }
        }

        /// The exit code as a shell tells it: 128 more than a signal's number, 255 where it is unknown.
        public var shellCode: CInt {
            switch self {
            case .code(let code): code
            case .signal(let number): 128 + number
            case .unknown: 255
            }
        }
    }

    /// Why a program was not started.
    public struct StartError: Error, CustomStringConvertible {
        /// The program, or the file that could not be opened for it.
        public let path: String
        /// The number of the reason, as in `errno`.
        public let number: CInt
        /// One sentence without the arguments, which may hold secrets.
        public var sentence: String { "'\(path)' cannot be started or opened: \(String(cString: strerror(number)))." }
        /// The same.
        public var description: String { sentence }
    }

    /// The program, as it was named.
    public let program: String
    /// The process's id; another program's once its end was seen.
    public let id: pid_t
    private let seen = Mutex<Ending?>(nil)

    /// Starts a program.
    ///
    /// Of this process's descriptors it gets the three that are named here and no other. Signals are as at the start of
    /// any program: none is blocked or ignored.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments. It is looked for on the search path unless its name has a slash.
    ///   - environment: The environment; `nil` is this process's own.
    /// - Throws: ``StartError`` where it is not there, or not to be run.
    public init(
        _ command: [String],
        environment: [String: String]? = nil,
        input: Stream = .null,
        output: Stream = .inherited,
        errors: Stream = .inherited
    ) throws(StartError) {
        let streams = try OpenStreams(input, output, errors)
        defer { streams.close() }
        program = command.first ?? ""
        let (number, id) = Spawn.run(command, environment, streams.descriptors)
        guard number == 0 else { throw StartError(path: program, number: number) }
        self.id = id
    }

    /// Runs a body while this process starts no program.
    ///
    /// A program that is being started holds copies of all descriptors for a moment, so that what is closed meanwhile is
    /// not closed yet: the port of a listener, say, cannot be taken anew.
    public static func whileNoneStarts<R, Failure: Error>(_ body: () throws(Failure) -> R) throws(Failure) -> R {
        try Spawn.starting.withLock { (_) throws(Failure) in try body() }
    }

    /// How it has ended; `nil` while it runs.
    public var ending: Ending? { seen.withLock { look(&$0) } }

    /// Whether it runs.
    public var isRunning: Bool { ending == nil }

    /// Sends a signal, unless its end was seen: its id may be another's then.
    ///
    /// - Returns: Whether it was sent.
    @discardableResult
    public func signal(_ number: CInt) -> Bool {
        seen.withLock { seen in look(&seen) == nil && kill(id, number) == 0 }
    }

    /// Waits for its end; blocks.
    ///
    /// - Returns: How it ended; `nil` where it still runs when the limit has passed.
    @discardableResult
    public func wait(atMost limit: Duration) -> Ending? {
        let deadline = ContinuousClock.now + limit
        var pause: useconds_t = 1_000
        while true {
            if let ending { return ending }
            guard ContinuousClock.now < deadline else { return nil }
            usleep(pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// Waits for its end, however long it takes; blocks.
    @discardableResult
    public func wait() -> Ending {
        while true {
            if let ending { return ending }
            // Leaves the end to be looked at, and so the id to this program, for who sends a signal meanwhile.
            var information = siginfo_t()
            waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT)
        }
    }

    /// How long a thread that waits with a limit rests between two looks at most, in microseconds.
    private static let longestPause: useconds_t = 32_000

    private func look(_ seen: inout Ending?) -> Ending? {
        guard seen == nil else { return seen }
        var status: CInt = 0
        let result = waitpid(id, &status, WNOHANG)
        if result == id { seen = status & 0x7F == 0 ? .code((status >> 8) & 0xFF) : .signal(status & 0x7F) }
        if result < 0, errno == ECHILD { seen = .unknown }
        return seen
    }
}
