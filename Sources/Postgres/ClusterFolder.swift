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

/// The folder of a server's cluster: `data`, `password`, `server.log` and the socket.
struct ClusterFolder {
    let path: String
    let installation: PostgresInstallation

    private var data: String { path + "/data" }
    private var passwordFile: String { path + "/password" }
    private var initLog: String { path + "/initdb.log" }
    private var serverLog: String { path + "/server.log" }

    /// Makes the cluster if there is none.
    ///
    /// - Returns: The superuser's password.
    func prepare(durable: Bool) throws(PostgresError) -> String {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw PostgresError(kind: .usage, message: "cannot make the folder \(path)")
        }
        chmod(path, 0o700)
        try requireAccess()
        giveAway(path)
        if access(data + "/PG_VERSION", F_OK) == 0, let password = try? read(passwordFile) { return password }
        return try initialize(durable: durable)
    }

    /// The last line of the logs that says why the server or `initdb` ended.
    func lastFailure() -> String {
        for log in [serverLog, initLog] {
            let lines = ((try? read(log)) ?? "").split(separator: "\n")
            if let line = lines.last(where: { $0.contains("FATAL") || $0.contains("error:") }) { return String(line) }
        }
        return "see \(serverLog)"
    }

    private func initialize(durable: Bool) throws(PostgresError) -> String {
        var random = SystemRandomNumberGenerator()
        let password = (0..<2).map { _ in String(random.next(), radix: 36) }.joined()
        try writePassword(password)
        var arguments = ["-D", data, "-U", "postgres", "--pwfile", passwordFile, "-A", "scram-sha-256"]
        arguments += ["-E", "UTF8", "--locale=C"]
        if !durable { arguments.append("--no-sync") }
        let process = try installation.start(
            ["/bin/sh", "-c", "cd / && exec \"$@\"", "initdb", installation.initdb] + arguments,
            log: initLog
        )
        guard process.wait() == .code(0) else {
            throw PostgresError(kind: .usage, message: "initdb failed: \(lastFailure())")
        }
        return password
    }

    /// Writes the password so that only its owner can read it.
    private func writePassword(_ password: String) throws(PostgresError) {
        unlink(passwordFile)
        let descriptor = open(passwordFile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0, write(descriptor, password, password.utf8.count) == password.utf8.count else {
            throw PostgresError(kind: .usage, message: "cannot write \(passwordFile)")
        }
        close(descriptor)
        giveAway(passwordFile)
    }

    private func read(_ file: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
    }

    private func giveAway(_ path: String) {
        if let user = installation.user { chown(path, user.id, user.group) }
    }

    /// Finds a parent folder that the server's user cannot enter, where `initdb` would only say "permission denied".
    private func requireAccess() throws(PostgresError) {
        guard let user = installation.user else { return }
        var parent = path[...]
        while let slash = parent.lastIndex(of: "/"), slash > parent.startIndex {
            parent = parent[..<slash]
            var info = stat()
            guard stat(String(parent), &info) == 0 else { continue }
            let mask: mode_t = info.st_uid == user.id ? 0o100 : info.st_gid == user.group ? 0o010 : 0o001
            if info.st_mode & mask == 0 {
                throw PostgresError(
                    kind: .usage,
                    message: "the user \(user.name) cannot enter \(parent); choose another folder for PostgreSQL"
                )
            }
        }
    }
}
