import Foundation
import Processes
import Testing

@Suite(.timeLimit(.minutes(1))) struct ChildProcessTests {
    private func shell(_ script: String, environment: [String: String]? = nil) throws -> (
        ending: ChildProcess.Ending, text: String
    ) {
        let (ending, bytes) = try ChildProcess.output(of: ["/bin/sh", "-c", script], environment: environment)
        return (ending, String(decoding: bytes, as: UTF8.self))
    }

    @Test(
        arguments: [
            ("exit 0", .code(0), 0), ("exit 3", .code(3), 3), ("kill -KILL $$", .signal(9), 137),
            ("kill -TERM $$", .signal(15), 143),
        ] as [(String, ChildProcess.Ending, CInt)]
    )
    func `how a program ends is told, and as a shell tells it`(script: String, ending: ChildProcess.Ending, code: CInt)
        throws
    {
        let process = try ChildProcess(["/bin/sh", "-c", script])
        #expect(process.wait() == ending && ending.shellCode == code)
        #expect(!process.isRunning && process.ending == ending)
    }

    @Test func `a program that is not there is named, without its arguments`() {
        let error = #expect(throws: ChildProcess.StartError.self) {
            try ChildProcess(["/does/not/exist", "--token", "hunter2"])
        }
        #expect(error?.sentence == "'/does/not/exist' cannot be started or opened: No such file or directory.")
        #expect(throws: ChildProcess.StartError.self) { try ChildProcess([]) }
        #expect(throws: ChildProcess.StartError.self) { try ChildProcess(["true"], output: .file("/does/not/exist")) }
    }

    @Test func `a program without a slash is looked for on the search path`() throws {
        #expect(try ChildProcess(["true"]).wait() == .code(0))
    }

    @Test func `what a program writes is read to the end, however much it is`() throws {
        let (ending, text) = try shell("seq 1 100000; exit 4")
        #expect(ending == .code(4) && text.hasPrefix("1\n2\n") && text.hasSuffix("\n100000\n"))
    }

    @Test func `an environment is the program's whole environment`() throws {
        #expect(try shell("echo $A-$HOME-", environment: ["A": "1 2=3"]).text == "1 2=3--\n")
        #expect(try shell("echo $PATH").text == (ProcessInfo.processInfo.environment["PATH"] ?? "") + "\n")
    }

    @Test func `who does not end in time is killed, and what it wrote is kept`() throws {
        let (ending, bytes) = try ChildProcess.output(
            of: ["/bin/sh", "-c", "echo begun; exec tail -f /dev/null"],
            atMost: .seconds(3)
        )
        #expect(ending == .signal(SIGKILL) && bytes == Array("begun\n".utf8))
    }

    @Test func `who writes without a pause is killed in time too`() throws {
        let (ending, bytes) = try ChildProcess.output(of: ["yes"], atMost: .milliseconds(300))
        #expect(ending == .signal(SIGKILL) && !bytes.isEmpty)
    }

    @Test func `who writes more than may be kept is killed, with or without a limit of time`() throws {
        for limit in [nil, Duration.seconds(600)] {
            let (ending, bytes) = try ChildProcess.output(of: ["yes"], atMost: limit, mostBytes: 1_000)
            #expect(ending == .signal(SIGKILL) && (1_001...1_000 + 1 << 16).contains(bytes.count))
        }
    }

    @Test func `a lifeline that was handed over is no input any more`() throws {
        let lifeline = try Lifeline()
        lifeline.handOver()
        #expect(throws: ChildProcess.StartError.self) { try ChildProcess(["true"], input: lifeline.stream) }
    }

    @Test func `a grandchild that holds the output open is not waited for without end`() throws {
        let script = "tail -f /dev/null & echo $!"
        let (ending, bytes) = try ChildProcess.output(of: ["/bin/sh", "-c", script], atMost: .seconds(3))
        #expect(ending == .code(0))
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        kill(try #require(pid_t(text)), SIGKILL)
    }

    @Test func `a file gets what comes at its end, of both streams`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "process-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        for word in ["one", "two"] {
            let stream = ChildProcess.Stream.file(file.path)
            try ChildProcess(["/bin/sh", "-c", "echo \(word); echo \(word) >&2"], output: stream, errors: stream).wait()
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == "one\none\ntwo\ntwo\n")
    }

    @Test func `a program gets its three streams and no other descriptor`() throws {
        // Descriptors that nobody has marked to be closed.
        let open = (0..<8).map { _ in Glibc.open("/dev/null", O_RDONLY) }
        defer { for descriptor in open { close(descriptor) } }
        #expect(try shell("ls /proc/self/fd").text == "0\n1\n2\n3\n", "the fourth is the one that ls reads with")
    }

    @Test func `a program starts with no signal ignored, in a group of its own`() throws {
        var blocked = sigset_t()
        var before = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGUSR2)
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        let handler = signal(SIGWINCH, SIG_IGN)
        defer {
            pthread_sigmask(SIG_SETMASK, &before, nil)
            signal(SIGWINCH, handler)
        }
        let lines = try shell("grep -E 'SigIgn|SigBlk' /proc/self/status | cut -f2").text.split(separator: "\n")
        #expect(lines.count == 2)
        // The C library has two above the 31 of the standard for itself.
        for line in lines { #expect(try #require(UInt64(line, radix: 16)) & 0x7FFF_FFFF == 0) }
        // The fifth field is the group.
        #expect(try shell("test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo own").text == "own\n")
    }

    @Test func `no signal is sent to whose end was seen`() throws {
        let process = try ChildProcess(["true"])
        #expect(process.wait() == .code(0))
        #expect(!process.signal(SIGKILL) && process.ending == .code(0))
    }

    @Test func `a program reads what is written on its lifeline, and sees its end`() throws {
        let lifeline = try Lifeline()
        let process = try ChildProcess(
            ["/bin/sh", "-c", "read a; read b && exit 9; test $a = word"],
            input: lifeline.stream
        )
        lifeline.handOver()
        lifeline.write("word")
        #expect(process.isRunning)
        lifeline.cut()
        lifeline.cut()
        lifeline.write("nobody reads this")
        #expect(process.wait() == .code(0))
    }

    /// Foundation's `Process` ends this one now and then here: seen once in seven thousand starts.
    @Test func `programs are started on many threads beside many open descriptors`() async throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let open = (0..<min(2_000, Int(limit.rlim_cur) / 2)).map { _ in Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC) }
        defer { for descriptor in open where descriptor >= 0 { close(descriptor) } }
        let good = await withTaskGroup { group in
            for _ in 0..<16 {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        Thread.detachNewThread {
                            let endings = (0..<20).map { _ in try? ChildProcess(["/bin/true"]).wait() }
                            continuation.resume(returning: endings.count { $0 == .code(0) })
                        }
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(good == 320)
    }
}
