#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

extension ChildProcess {
    /// Runs a program until it has ended and returns what it wrote; blocks.
    ///
    /// - Parameters:
    ///   - environment: The environment; `nil` is this process's own.
    ///   - limit: When it is killed; `nil` is never.
    ///   - mostBytes: How much it may write before it is killed.
    public static func output(
        of command: [String],
        environment: [String: String]? = nil,
        errors: Stream = .inherited,
        atMost limit: Duration? = nil,
        mostBytes: Int = 64 << 20
    ) throws(StartError) -> (ending: Ending, bytes: [UInt8]) {
        var ends: [CInt] = [-1, -1]
        // Between the two calls no program may be started: it would hold the pipe open.
        let error = whileNoneStarts {
            guard pipe(&ends) == 0 else { return errno }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return 0
        }
        guard error == 0 else { throw StartError(path: "a pipe", number: error) }
        defer { close(ends[0]) }
        let process: ChildProcess
        do {
            defer { close(ends[1]) }
            process = try ChildProcess(command, environment: environment, output: .descriptor(ends[1]), errors: errors)
        }
        let deadline = limit.map { ContinuousClock.now + $0 }
        let bytes = read(ends[0], until: deadline, mostBytes)
        if bytes.count > mostBytes { process.signal(SIGKILL) }
        // Who has closed its output may go on all the same.
        guard let deadline else { return (process.wait(), bytes) }
        if let ending = process.wait(atMost: deadline - .now) { return (ending, bytes) }
        process.signal(SIGKILL)
        return (process.wait(), bytes)
    }

    /// Reads to the end, as long as there is time, or a piece more than is allowed.
    private static func read(_ descriptor: CInt, until deadline: ContinuousClock.Instant?, _ mostBytes: Int) -> [UInt8]
    {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= mostBytes {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = deadline.map { max(0, ($0 - .now) / .milliseconds(1)) }
            // Also of who writes without a pause.
            if left == 0 { return bytes }
            let ready = poll(&entry, 1, left.map { CInt(min($0.rounded(.up), 1e9)) } ?? -1)
            if ready == 0 { return bytes }
            guard ready > 0 else {
                if errno == EINTR { continue }
                return bytes
            }
            let count = piece.withUnsafeMutableBytes { readPiece(descriptor, $0) }
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: piece[..<count])
        }
        return bytes
    }

    private static func readPiece(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
        Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #else
        Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }
}
