import Foundation

/// Where helm is, and whether it is one that the agent can use.
public enum HelmLookup {
    /// Finds helm; `nil` where there is none.
    ///
    /// - Parameter path: The folders to look in, separated by colons.
    public static func find(
        on path: String = ProcessInfo.processInfo.environment["PATH"] ?? ""
    ) -> String? {
        path.split(separator: ":").map { "\($0)/helm" }.first(where: FileManager.default.isExecutableFile(atPath:))
    }

    /// Why a helm cannot change releases, as a sentence; `nil` where it can: helm 4 or newer.
    ///
    /// Runs it, on a thread of its own.
    public static func obstacle(to helm: String) async -> String? {
        await OwnThread.run("helm") { () throws(Never) in look(at: helm) }
    }

    private static func look(at helm: String) -> String? {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("slipway-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let end = try HelmRun(helm: helm, limit: .seconds(30)).run(
                ["version", "--template", "{{.Version}}"],
                in: folder
            )
            let version = String(decoding: end.output, as: UTF8.self)
            let major = version.drop { $0 == "v" }.split(separator: ".").first.flatMap { Int($0) }
            if let major, major >= 4 { return nil }
            return "'\(helm)' says that it is helm '\(version.prefix(20))'; the agent changes releases with helm 4."
        } catch {
            return "'\(helm)' cannot be run: \(error.whyNotRun)"
        }
    }
}
