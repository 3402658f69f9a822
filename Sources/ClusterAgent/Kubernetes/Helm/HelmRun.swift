import Foundation

/// One run of helm under its guard; blocks.
struct HelmRun {
    let guardian: String
    let helm: String
    let limit: Duration

    struct End {
        var code: Int32
        var output: [UInt8]
        /// The end of what it complained about.
        var complaint: String

        var isGood: Bool { code == 0 }
    }

    /// How much of what helm writes is read.
    private static let mostBytes = 4 << 20

    func run(_ arguments: [String], _ environment: [String: String]) throws -> End {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: guardian)
        process.arguments = ["guard", "--", helm] + arguments
        process.environment = environment
        // The guard ends helm when this pipe ends: with the agent, or when it has taken too long.
        let (lifeline, output, complaints) = (Pipe(), Pipe(), Pipe())
        process.standardInput = lifeline
        process.standardOutput = output
        process.standardError = complaints
        try process.run()
        let isLate = Flag()
        let timer = DispatchSource.makeTimerSource(queue: .global())
        timer.schedule(deadline: .now() + .seconds(Int(limit.components.seconds)))
        timer.setEventHandler {
            isLate.raise()
            try? lifeline.fileHandleForWriting.close()
        }
        timer.resume()
        let reader = Reader(complaints.fileHandleForReading, keep: 16 << 10)
        let text = Reader.read(output.fileHandleForReading, keep: Self.mostBytes)
        let complaint = String(decoding: reader.finish(), as: UTF8.self)
        process.waitUntilExit()
        timer.cancel()
        if isLate.isRaised {
            return End(
                code: 124,
                output: text,
                complaint: "Error: helm did not end within \(limit.components.seconds) seconds"
            )
        }
        try? lifeline.fileHandleForWriting.close()
        return End(code: process.terminationStatus, output: text, complaint: complaint)
    }

    private final class Flag: @unchecked Sendable {
        private let lock = NSLock()
        private var value = false
        var isRaised: Bool { lock.withLock { value } }
        func raise() { lock.withLock { value = true } }
    }

    /// Reads a pipe to its end on a thread of its own and keeps the end of it.
    private final class Reader: @unchecked Sendable {
        private let done = DispatchSemaphore(value: 0)
        private var bytes: [UInt8] = []

        init(_ handle: FileHandle, keep: Int) {
            let thread = Thread { [self] in
                bytes = Self.read(handle, keep: keep)
                done.signal()
            }
            thread.start()
        }

        func finish() -> [UInt8] {
            done.wait()
            return bytes
        }

        static func read(_ handle: FileHandle, keep: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            while true {
                let data = handle.availableData
                guard !data.isEmpty else { return bytes }
                bytes += data
                if bytes.count > keep * 2 { bytes.removeFirst(bytes.count - keep) }
            }
        }
    }
}
