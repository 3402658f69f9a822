import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// `posix_spawn(3)` with what every program of Slipway is started with.
enum Spawn {
    /// Starts a program with three descriptors as its standard streams; a negative one stays as it is.
    static func run(
        _ command: [String],
        _ environment: [String: String]?,
        _ streams: [CInt]
    ) -> (error: CInt, id: pid_t) {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (number, descriptor) in streams.enumerated() where descriptor >= 0 {
            posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(number))
        }
        _ = closeFrom?(&actions, CInt(streams.count))
        setSignals(&attributes)
        var arguments = command.map { strdup($0) } + [nil]
        var variables = (environment ?? [:]).map { strdup("\($0)=\($1)") } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        guard let program = arguments[0] else { return (ENOENT, 0) }
        var id: pid_t = 0
        let error = variables.withUnsafeMutableBufferPointer { variables in
            let own = environment == nil ? environ : variables.baseAddress
            return starting.withLock { _ in
                keepEndings()
                return posix_spawnp(&id, program, &actions, &attributes, &arguments, own)
            }
        }
        return (error, id)
    }

    /// Held while a program is being started: until it is, it holds copies of this process's descriptors.
    static let starting = Mutex<Void>(())

    /// Lets ends be looked at: who was started by a program that ignores SIGCHLD ignores it too, and then the kernel keeps
    /// no exit code.
    private static func keepEndings() {
        let before = signal(SIGCHLD, SIG_DFL)
        if unsafeBitCast(before, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self) { signal(SIGCHLD, before) }
    }

    private static func setSignals(_ attributes: inout posix_spawnattr_t) {
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = CInt(POSIX_SPAWN_SETPGROUP) | CInt(POSIX_SPAWN_SETSIGMASK) | CInt(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt

    /// Closes every descriptor from a number on: in glibc since 2.34, and not in the headers that Swift reads.
    ///
    /// Where it is not there, a program gets those descriptors that are not closed on exec.
    private static let closeFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np")
        .map { unsafeBitCast($0, to: CloseFrom.self) }
}

/// The descriptors of three streams, with those among them that were opened for the purpose.
struct OpenStreams {
    /// -1 where this process's own is passed on.
    private(set) var descriptors: [CInt] = []
    private var opened: [CInt] = []

    init(_ input: ChildProcess.Stream, _ output: ChildProcess.Stream, _ errors: ChildProcess.Stream)
        throws(ChildProcess.StartError)
    {
        for (stream, flags) in [(input, O_RDONLY), (output, O_WRONLY), (errors, O_WRONLY)] {
            switch stream {
            case .inherited: descriptors.append(-1)
            case .descriptor(let descriptor):
                guard descriptor >= 0 else { throw ChildProcess.StartError(path: "a closed descriptor", number: EBADF) }
                descriptors.append(descriptor)
            case .null: try add("/dev/null", flags)
            case .file(let path, let mode): try add(path, flags == O_RDONLY ? flags : flags | O_CREAT | O_APPEND, mode)
            }
        }
    }

    private mutating func add(_ path: String, _ flags: CInt, _ mode: mode_t = 0) throws(ChildProcess.StartError) {
        let descriptor = open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            let number = errno
            close()
            throw ChildProcess.StartError(path: path, number: number)
        }
        opened.append(descriptor)
        descriptors.append(descriptor)
    }

    func close() {
        #if canImport(Glibc)
        for descriptor in opened { Glibc.close(descriptor) }
        #else
        for descriptor in opened { Musl.close(descriptor) }
        #endif
    }
}
