import Processes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A PostgreSQL server of this program's own, for demonstrations and tests.
///
/// It keeps everything in one folder, listens on 127.0.0.1 and on a socket in that folder, and asks for a password that it
/// makes itself. It ends with this process, however that ends: a shell between the two reads a socket of this process
/// and shuts the server down when it closes. Not for concurrent use; every call blocks.
public final class PostgresServer {
    /// How the server ends.
    public enum StopMode: String, Sendable {
        /// Ends the sessions, rolls their transactions back and writes everything out.
        case fast
        /// Ends at once, as after a crash; the next start recovers.
        case immediate
    }

    /// The folder that holds the cluster, its log and its socket.
    public let folder: String
    /// The port on 127.0.0.1.
    public private(set) var port: Int

    private let installation: PostgresInstallation
    private let durable: Bool
    private let isTemporary: Bool
    private let settings: [String: String]
    private let password: String
    private var running: (process: ChildProcess, lifeline: Lifeline)?

    /// Makes the cluster if the folder has none, and starts the server.
    ///
    /// When root runs this, the server runs as the user `postgres`, to whom the folder is given.
    ///
    /// - Parameters:
    ///   - folder: The folder of the cluster; made if it does not exist. The server's user must be able to enter its parents.
    ///   - port: The port on 127.0.0.1; `nil` takes a free one.
    ///   - durable: Whether commits survive a crash of the machine. Tests are faster without.
    ///   - isTemporary: Whether the folder goes when this object or the process does.
    ///   - settings: Further settings by their names in `postgresql.conf`.
    /// - Throws: ``PostgresError`` of the kind `usage` with the reason, such as that PostgreSQL is not installed.
    public init(
        folder: String,
        port: Int? = nil,
        durable: Bool = true,
        isTemporary: Bool = false,
        settings: [String: String] = [:]
    ) throws(PostgresError) {
        installation = try PostgresInstallation()
        self.folder = folder.hasPrefix("/") ? folder : FileManager.default.currentDirectoryPath + "/" + folder
        self.durable = durable
        self.isTemporary = isTemporary
        self.settings = settings
        self.port = port ?? 0
        let cluster = ClusterFolder(path: self.folder, installation: installation)
        password = try cluster.prepare(durable: durable)
        try start(fixedPort: port)
    }

    deinit {
        end(with: isTemporary ? "remove" : StopMode.immediate.rawValue)
    }

    /// The URL of the database `postgres`.
    ///
    /// It holds the password of the server's superuser.
    public var url: String { url(database: "postgres") }

    /// The URL of a database, with the superuser's password.
    public func url(database: String) -> String {
        "postgresql://postgres:\(password)@127.0.0.1:\(port)/\(database)"
    }

    /// Whether the server runs.
    public var isRunning: Bool { running?.process.isRunning ?? false }

    /// Makes an empty database.
    ///
    /// - Returns: Its URL.
    @discardableResult
    public func createDatabase(_ name: String) throws(PostgresError) -> String {
        let connection = try PostgresConnection(PostgresConfiguration(url: url))
        try connection.script("create database \(PostgresIdentifier.quote(name)) template template0")
        return url(database: name)
    }

    /// Stops the server and waits for its end.
    public func stop(_ mode: StopMode = .fast) {
        end(with: mode.rawValue)
    }

    private func end(with word: String) {
        guard let (process, lifeline) = running else { return }
        running = nil
        lifeline.write(word)
        lifeline.cut()
        process.wait()
    }

    /// Stops the server and starts it again on the same port.
    ///
    /// - Parameter immediate: Whether it ends as after a crash.
    public func restart(immediate: Bool = false) throws(PostgresError) {
        stop(immediate ? .immediate : .fast)
        try start(fixedPort: port)
    }

    /// Starts the server again after ``stop(_:)``, on the same port.
    public func start() throws(PostgresError) {
        guard !isRunning else { return }
        try start(fixedPort: port)
    }
}

// MARK: Starting

extension PostgresServer {
    /// Starts the server; a port of its own choice that is taken meanwhile is replaced by another.
    private func start(fixedPort: Int?) throws(PostgresError) {
        for _ in 0..<5 {
            if fixedPort == nil { port = try Self.freePort() }
            if try launch() { return }
            if fixedPort != nil { break }
        }
        let reason = ClusterFolder(path: folder, installation: installation).lastFailure()
        throw PostgresError(kind: .usage, message: "the PostgreSQL server did not start: \(reason)")
    }

    /// Starts the program and waits until it answers.
    ///
    /// - Returns: Whether it does; `false` if it has ended instead.
    private func launch() throws(PostgresError) -> Bool {
        guard let lifeline = try? Lifeline() else {
            throw PostgresError(
                kind: .usage,
                message: "the PostgreSQL server did not start: no more files can be opened"
            )
        }
        let process = try installation.start(
            ["/bin/sh", "-c", Self.guardScript, "postgres-guard", folder, isTemporary ? "remove" : "fast"]
                + [installation.postgres] + arguments,
            input: lifeline.stream,
            log: folder + "/server.log"
        )
        lifeline.handOver()
        let deadline = Deadline(after: .seconds(60))
        var configuration = PostgresConfiguration(url: url)
        configuration.connectTimeout = .seconds(2)
        while process.isRunning, deadline.pollTimeout != 0 {
            if (try? PostgresConnection(configuration)) != nil, process.isRunning {
                running = (process, lifeline)
                return true
            }
            usleep(20_000)
        }
        running = (process, lifeline)
        end(with: StopMode.immediate.rawValue)
        return false
    }

    private var arguments: [String] {
        var values = [
            "listen_addresses": "127.0.0.1",
            "port": "\(port)",
            // The path of a socket is limited to 107 bytes.
            "unix_socket_directories": folder.utf8.count < 80 ? folder : "",
            "logging_collector": "off",
            "log_min_messages": "warning",
            "max_connections": "200",
        ]
        if !durable {
            for name in ["fsync", "synchronous_commit", "full_page_writes"] { values[name] = "off" }
        }
        values.merge(settings) { _, given in given }
        return ["-D", folder + "/data"] + values.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
    }

    /// Runs the server beside a reader of standard input: a word there, or its end, shuts the server down.
    private static let guardScript = """
        cd /
        folder=$1 default=$2
        shift 2
        exec 3<&0
        "$@" 3<&- </dev/null &
        server=$!
        (
            read -r mode <&3 || mode=$default
            case $mode in
            remove) : >"$folder/remove"; kill -QUIT $server ;;
            immediate) kill -QUIT $server ;;
            *) kill -INT $server ;;
            esac
        ) &
        guard=$!
        exec 3<&-
        wait $server
        code=$?
        kill $guard 2>/dev/null
        if [ -e "$folder/remove" ]; then rm -rf "$folder"; fi
        exit $code
        """

    private static func freePort() throws(PostgresError) -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && getsockname(descriptor, address, &size) == 0
            }
        }
        guard status else { throw PostgresError(kind: .usage, message: "there is no free port on 127.0.0.1") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
