import Foundation
import Testing

@testable import Processes

@Suite(.timeLimit(.minutes(1))) struct ProcessGuardTests {
    private let limit = Duration.seconds(20)

    private func sleeper() throws -> ChildProcess { try ChildProcess(["tail", "-f", "/dev/null"]) }

    @Test func `whom it was given is killed when this process is gone, and nobody else`() throws {
        let (guarded, stopped, removed, stranger) = try (sleeper(), sleeper(), sleeper(), sleeper())
        defer { for process in [removed, stranger] { process.signal(SIGKILL); process.wait() } }
        let folder = FileManager.default.temporaryDirectory.appending(path: "guard \(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let guardian = try ProcessGuard(removing: folder)
        for process in [guarded, removed, stopped] { guardian.add(process) }
        guardian.remove(removed)
        stopped.signal(SIGSTOP)
        guardian.lifeline.cut()
        #expect(guarded.wait(atMost: limit) == .signal(SIGKILL))
        #expect(stopped.wait(atMost: limit) == .signal(SIGKILL))
        #expect(guardian.shell.wait(atMost: limit) == .code(0))
        #expect(removed.isRunning && stranger.isRunning)
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test func `what a program has started in its group is killed with it`() throws {
        var ends: [CInt] = [-1, -1]
        #expect(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let guardian = try ProcessGuard()
        guardian.add(try ChildProcess(["/bin/sh", "-c", "tail -f /dev/null & wait"], output: .descriptor(ends[1])))
        close(ends[1])
        guardian.lifeline.cut()
        var entry = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 20_000) == 1)
        var byte: UInt8 = 0
        #expect(entry.revents == 0 || read(ends[0], &byte, 1) == 0, "nobody holds the other end any more")
        close(ends[0])
    }

    @Test func `a folder goes when somebody else has removed what is theirs in it`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "guard-\(UUID().uuidString)").path
        let other = folder + "/other"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        let guardian = try ProcessGuard(removing: folder, after: other)
        guardian.lifeline.cut()
        #expect(guardian.shell.wait(atMost: .milliseconds(300)) == nil)
        try FileManager.default.removeItem(atPath: other)
        #expect(guardian.shell.wait(atMost: limit) == .code(0))
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test func `a guard that was dismissed harms nobody`() throws {
        let process = try sleeper()
        defer { process.signal(SIGKILL); process.wait() }
        do {
            let guardian = try ProcessGuard()
            guardian.add(process)
            guardian.dismiss()
            guardian.dismiss()
        }
        #expect(process.isRunning)
    }
}
