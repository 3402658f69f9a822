import Dispatch
import Foundation
import Synchronization

/// One run of helm, ended when it takes too long; blocks.
struct HelmRun {
    let helm: String
    /// The program under which helm ends with the agent, whatever way the agent dies; `nil` where that is no matter.
    var guardian: String?
    let limit: Duration
    /// What ends it before its time.
    var stop = HelmStop()

    struct End {
        /// 124 where it did not end in time.
        var code: Int32
        var output: [UInt8]
        /// The end of what it complained about.
        var complaint: String

        var isGood: Bool { code == 0 }
    }

    /// How much of what helm writes is read.
    private static let mostBytes = 64 << 20
    private static let mostComplaint = 16 << 10

    /// Runs helm.
    ///
    /// - Parameter folder: Where what it writes is kept until it has been read.
    func run(_ arguments: [String], _ environment: [String: String]? = nil, in folder: URL) throws -> End {
        let (output, complaints) = (try Self.file("out", in: folder), try Self.file("err", in: folder))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: guardian ?? helm)
        process.arguments = (guardian == nil ? [] : ["guard", "--", helm]) + arguments
        if let environment { process.environment = environment }
        // The guard ends helm when this pipe ends.
        let lifeline = try Lifeline()
        process.standardInput = guardian == nil ? FileHandle.nullDevice : lifeline.reading
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: complaints)
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        lifeline.closeReading()
        let seconds = limit.components.seconds
        let isLate = stop.watch(end: { lifeline.cut() }) {
            ended.wait(timeout: .now() + .seconds(Int(seconds))) != .success
        }
        lifeline.cut()
        if isLate {
            if guardian == nil { kill(process.processIdentifier, SIGKILL) }
            ended.wait()
            return End(code: 124, output: [], complaint: "Error: helm did not end within \(seconds) seconds")
        }
        return End(
            code: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
            output: try Self.end(of: output, atMost: Self.mostBytes),
            complaint: String(decoding: try Self.end(of: complaints, atMost: Self.mostComplaint), as: UTF8.self)
        )
    }

    private static func file(_ name: String, in folder: URL) throws -> URL {
        let file = folder.appendingPathComponent(name)
        try Data().write(to: file)
        return file
    }

    private static func end(of file: URL, atMost bytes: Int) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: size - min(size, UInt64(bytes)))
        return Array(try handle.readToEnd() ?? Data())
    }
}

/// A pipe that no program inherits that happens to be started now: it would hold it open.
private final class Lifeline: Sendable {
    let reading: FileHandle
    private let writing: Mutex<Int32?>

    init() throws {
        var ends: [Int32] = [-1, -1]
        // A pair of sockets, because only those are made so that they close on exec at once.
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw CocoaError(.fileWriteUnknown) }
        reading = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        writing = Mutex(ends[1])
    }

    deinit { cut() }

    func closeReading() { try? reading.close() }

    /// Lets the guard see the end; the second time nothing happens.
    func cut() {
        writing.withLock { writing in
            if let writing { close(writing) }
            writing = nil
        }
    }
}
