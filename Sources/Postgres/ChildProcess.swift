#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A program that was started by this one, with a socket as its standard input.
///
/// The kernel closes the socket's other end when this process ends in whatever way; the child can tell by reading.
final class ChildProcess {
    private let id: pid_t
    private var input: CInt
    private var status: CInt?

    /// Starts a program in a process group of its own, so that Ctrl-C on the terminal does not reach it.
    ///
    /// - Parameters:
    ///   - command: The program's path and its arguments.
    ///   - log: The file that gets what the program prints.
    init(_ command: [String], log: String) throws(PostgresError) {
        // A socket and not a pipe: it is closed in other children from the start, and a write to it can do without SIGPIPE.
        var pair: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &pair) == 0 else { throw Self.failure(command, errno) }
        defer { close(pair[0]) }
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else {
            let error = errno
            close(pair[1])
            throw Self.failure([log], error)
        }
        defer { close(output) }
        let (error, id) = Self.spawn(command, input: pair[0], output: output)
        guard error == 0 else {
            close(pair[1])
            throw Self.failure(command, error)
        }
        self.id = id
        input = pair[1]
    }

    deinit {
        closeInput()
        _ = wait(until: .never)
    }

    /// Whether the program still runs.
    var isRunning: Bool {
        if status == nil { poll(options: WNOHANG) }
        return status == nil
    }

    /// Writes a line to the program and closes its input.
    func finish(with line: String) {
        // The socket is empty, so that one short send is complete; a program that is gone does not need it.
        let text = line + "\n"
        _ = send(input, text, text.utf8.count, CInt(MSG_NOSIGNAL))
        closeInput()
    }

    /// Waits for the end of the program.
    ///
    /// - Returns: Its exit code, or `nil` if it ended by a signal or still runs.
    func wait(until deadline: Deadline) -> CInt? {
        while isRunning, deadline.pollTimeout != 0 { usleep(5_000) }
        guard let status, status & 0x7F == 0 else { return nil }
        return (status >> 8) & 0xFF
    }

    private func poll(options: CInt) {
        var status: CInt = 0
        let result = waitpid(id, &status, options)
        if result == id { self.status = status }
        // Somebody else has waited for it: it is gone, and its code with it.
        if result < 0, errno == ECHILD { self.status = 0 }
    }

    private func closeInput() {
        guard input >= 0 else { return }
        close(input)
        input = -1
    }

    private static func spawn(_ command: [String], input: CInt, output: CInt) -> (error: CInt, id: pid_t) {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGPIPE] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = CInt(POSIX_SPAWN_SETPGROUP) | CInt(POSIX_SPAWN_SETSIGMASK) | CInt(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var arguments = command.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var id: pid_t = 0
        let error = posix_spawn(&id, command[0], &actions, &attributes, &arguments, environ)
        return (error, id)
    }

    private static func failure(_ command: [String], _ error: CInt) -> PostgresError {
        PostgresError(kind: .usage, message: "cannot start or open \(command[0]): \(String(cString: strerror(error)))")
    }
}
