import Foundation
import Processes
import TestSupport
import Testing

/// `slipway demo` as its user sees it: it ends with the outcome as its exit code and leaves nothing behind.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct DemoTests {
    /// A demo in a folder for temporary files of its own.
    private final class Run {
        let folder = NSTemporaryDirectory() + "slipway-demo-test-\(UUID().uuidString)"
        let process: WorkerProcessHandle

        init(_ arguments: [String]) throws {
            try FileManager.default.createDirectory(atPath: folder + "/tmp", withIntermediateDirectories: true)
            // The embedded PostgreSQL is another user.
            for path in [folder, folder + "/tmp"] {
                try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path)
            }
            process = try WorkerProcessHandle(
                "slipway",
                ["demo"] + arguments,
                environment: ["TMPDIR": folder + "/tmp/"],
                folder: folder
            )
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        var leftovers: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder + "/tmp")) ?? [] }

        /// The processes that still speak of the demo's folder.
        func processes() throws -> String {
            let found = try ChildProcess.output(of: ["pgrep", "-af", "slipway-demo-\(process.pid)(/|$)"])
            return String(decoding: found.bytes, as: UTF8.self)
        }

        func expectNothingLeft() throws {
            #expect(leftovers == [])
            #expect(try processes() == "")
        }
    }

    @Test func `the demo runs the main job, tours the rest, ends with 0 and leaves nothing behind`() throws {
        let run = try Run(["--once"])
        let code = try run.process.exitCode(within: .seconds(300))
        #expect(code == 0, "\(run.process.output.suffix(3000))")
        #expect(run.process.output.contains("succeeded"))
        try run.expectNothingLeft()
    }

    @Test func `a demo whose instance does not run ends with 1 and the reason`() throws {
        let run = try Run(["--once", "--failure", "imagePull"])
        let code = try run.process.exitCode(within: .seconds(300))
        #expect(code == 1, "\(run.process.output.suffix(3000))")
        #expect(run.process.output.contains("cannot be pulled"))
        try run.expectNothingLeft()
    }

    @Test func `Ctrl-C ends a demo in the middle and leaves nothing behind`() throws {
        let run = try Run([])
        _ = try eventually("the demo's database", within: .seconds(120)) {
            run.process.output.contains("PostgreSQL") ? true : nil
        }
        #expect(run.leftovers.count == 1, "its folder is where this test looks for it")
        #expect(try run.processes() != "", "its processes are found while they run")
        run.process.signal(SIGINT)
        _ = try run.process.exitCode(within: .seconds(60))
        try run.expectNothingLeft()
    }

    @Test func `a demo that is killed leaves nothing behind either`() throws {
        let run = try Run([])
        _ = try eventually("the demo's fleet", within: .seconds(120)) {
            run.process.output.contains("timekeeper") ? true : nil
        }
        #expect(try run.processes() != "", "its processes are found while they run")
        run.process.signal(SIGKILL)
        _ = try run.process.exitCode(within: .seconds(60))
        _ = try eventually("the end of all") { try run.leftovers == [] && run.processes() == "" ? true : nil }
    }
}
