import Foundation
import Processes
import TestSupport

@testable import Postgres

/// A PostgreSQL server of a test's own that archives its WAL, so that it can be put back to a moment.
final class ArchivedServer {
    private(set) var server: PostgresServer
    private let folder: String
    private let installation: PostgresInstallation

    private var archive: String { folder + "/archive" }
    private var backup: String { folder + "/restored" }

    init() throws {
        folder = NSTemporaryDirectory() + "slipway-archived-\(UUID().uuidString)"
        installation = try PostgresInstallation()
        for path in [folder, folder + "/archive", folder + "/restored"] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            if let user = installation.user { chown(path, user.id, user.group) }
        }
        server = try PostgresServer(
            folder: folder + "/first",
            durable: false,
            isTemporary: true,
            settings: Self.archiving(to: folder + "/archive")
        )
    }

    deinit {
        server.stop(.immediate)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What docs/backups.md has an operator set.
    private static func archiving(to archive: String) -> [String: String] {
        [
            "archive_mode": "on",
            "archive_command":
                "if test -f \(archive)/%f; then cmp -s %p \(archive)/%f; "
                + "else cp %p \(archive)/%f.part && sync \(archive)/%f.part && mv \(archive)/%f.part \(archive)/%f; fi",
        ]
    }

    /// Takes a base back-up of the running server.
    func backUp() throws {
        let log = folder + "/basebackup.log"
        // Beside the server itself, where its own folder holds only links to some of the programs.
        let programs = URL(filePath: installation.postgres).resolvingSymlinksInPath().deletingLastPathComponent()
        let process = try installation.start(
            [
                programs.path + "/pg_basebackup", "--dbname", server.url, "--pgdata", backup + "/data",
                "--checkpoint=fast", "--no-sync",
            ],
            log: log
        )
        guard process.wait(atMost: .seconds(60) * patience) == .code(0) else {
            throw NotSeen(description: "a base back-up: \((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
        }
        // How this class knows the server's password; it is no part of PostgreSQL's.
        try FileManager.default.copyItem(atPath: folder + "/first/password", toPath: backup + "/password")
    }

    /// Notes this moment under a name.
    func note(_ name: String, on connection: PostgresConnection) throws {
        _ = try connection.query("select pg_create_restore_point($1)", [.text(name)])
    }

    /// Loses the server as in a crash, once its archive has everything.
    func lose(_ connection: PostgresConnection) throws {
        let last = try connection.query("select pg_walfile_name(pg_switch_wal())").only().string(0)
        _ = try eventually("the archive has \(last)") {
            FileManager.default.fileExists(atPath: "\(archive)/\(last)") ? true : nil
        }
        server.stop(.immediate)
    }

    /// Restores the back-up to the moment of that name, on the port of before, and waits until it takes writes.
    func restore(to name: String) throws {
        let signal = backup + "/data/recovery.signal"
        try Data().write(to: URL(filePath: signal))
        if let user = installation.user { chown(signal, user.id, user.group) }
        let recovery = [
            "restore_command": "cp \(archive)/%f %p", "recovery_target_name": name, "recovery_target_action": "promote",
        ]
        server = try PostgresServer(
            folder: backup,
            port: server.port,
            durable: false,
            isTemporary: true,
            settings: Self.archiving(to: archive).merging(recovery) { $1 }
        )
        let connection = try PostgresConnection(PostgresConfiguration(url: server.url))
        defer { connection.close() }
        _ = try eventually("the restored server takes writes") {
            try connection.query("select pg_is_in_recovery()").only().bool(0) ? nil : true
        }
    }
}
