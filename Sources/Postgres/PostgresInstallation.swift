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

/// The server programs on this machine and the user they run as.
struct PostgresInstallation {
    /// The unprivileged user that stands in for root, whom the server refuses.
    struct User {
        let name: String
        let id: uid_t
        let group: gid_t
    }

    /// The folder that holds `initdb` and `postgres`.
    let folder: String
    /// `nil` if the server runs as the user of this process.
    let user: User?

    var initdb: String { folder + "/initdb" }
    var postgres: String { folder + "/postgres" }

    /// Looks in `PATH`, then in Debian's folders, newest version first.
    init() throws(PostgresError) {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = path.split(separator: ":").map(String.init) + Self.debianFolders()
        guard let folder = folders.first(where: Self.holdsServer) else {
            throw PostgresError(kind: .usage, message: "PostgreSQL is not installed (apt-get install postgresql)")
        }
        self.folder = folder
        user = getuid() == 0 ? try Self.unprivilegedUser() : nil
    }

    /// Starts a program, preceded by what gives up root's rights if this process has them.
    ///
    /// - Parameter log: The file that gets what the program prints.
    func start(_ command: [String], input: ChildProcess.Stream = .null, log: String)
        throws(PostgresError) -> ChildProcess
    {
        var whole = command
        if let user {
            whole =
                ["/usr/bin/setpriv", "--reuid=\(user.id)", "--regid=\(user.group)", "--clear-groups", "--"] + command
        }
        do {
            return try ChildProcess(whole, input: input, output: .file(log, mode: 0o600), errors: .file(log))
        } catch {
            throw PostgresError(kind: .usage, message: error.sentence)
        }
    }

    private static func debianFolders() -> [String] {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" }
    }

    private static func holdsServer(_ folder: String) -> Bool {
        access(folder + "/initdb", X_OK) == 0 && access(folder + "/postgres", X_OK) == 0
    }

    private static func unprivilegedUser() throws(PostgresError) -> User {
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) {
                return User(name: name, id: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
            }
        }
        throw PostgresError(kind: .usage, message: "PostgreSQL does not run as root and there is no user postgres")
    }
}
