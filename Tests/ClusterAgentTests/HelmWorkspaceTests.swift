import Foundation
import Testing

@testable import ClusterAgent

/// What runs of helm leave in the temporary folder, and what an agent removes of it that was killed.
struct HelmWorkspaceTests {
    private let parent: URL

    init() throws {
        parent = FileManager.default.temporaryDirectory.appendingPathComponent("workspaces-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    }

    private func isThere(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

    @Test func `what a killed agent has left is removed, and nothing of one that lives`() throws {
        defer { try? FileManager.default.removeItem(at: parent) }
        // A lock that nobody holds is what a dead process leaves.
        let dead = parent.appendingPathComponent("slipway-helm-dead")
        let others = parent.appendingPathComponent("others")
        for folder in [dead, others] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data().write(to: folder.appendingPathComponent("lock"))
            try Data("hunter2".utf8).write(to: folder.appendingPathComponent("values.yaml"))
        }
        let living = HelmWorkspace(in: parent)
        let folder = try living.folder()
        let next = HelmWorkspace(in: parent)
        next.removeLeftovers()
        #expect(!isThere(dead) && isThere(others))
        #expect(isThere(folder))
        #expect(try living.folder() == folder && next.folder() != folder)
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test func `a folder that somebody has cleaned away is made again, and goes with its agent`() throws {
        defer { try? FileManager.default.removeItem(at: parent) }
        var workspace: HelmWorkspace? = HelmWorkspace(in: parent)
        let first = try #require(try workspace?.folder())
        try FileManager.default.removeItem(at: first)
        let second = try #require(try workspace?.folder())
        #expect(second != first && isThere(second))
        workspace = nil
        #expect(!isThere(second))
    }

    @Test func `helm works in the folder of its agent's process`() async throws {
        let double = try HelmDouble()
        let helm = try double.program()
        let mark = CommandMark(command: "c-1", generation: 1)
        _ = try await helm.deploy(.web(), secrets: OpenedSecrets(), template: mark, withHooks: false)
        #expect(try double.text("calls").contains("/slipway-helm-"))
    }
}
