import Foundation
import Processes

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
        // The guard ends helm when this line ends.
        let lifeline = guardian == nil ? nil : try Lifeline()
        let process = try ChildProcess(
            (guardian.map { [$0, "guard", "--"] } ?? []) + [helm] + arguments,
            environment: environment,
            input: lifeline?.stream ?? .null,
            output: .file(output.path),
            errors: .file(complaints.path)
        )
        lifeline?.handOver()
        let end: @Sendable () -> Void = { if let lifeline { lifeline.cut() } else { process.signal(SIGKILL) } }
        let ending = stop.watch(end: end) { process.wait(atMost: limit) }
        guard let ending else {
            end()
            process.wait()
            let seconds = limit.components.seconds
            return End(code: 124, output: [], complaint: "Error: helm did not end within \(seconds) seconds")
        }
        let complaint = String(decoding: try Self.end(of: complaints, atMost: Self.mostComplaint), as: UTF8.self)
        return End(
            code: ending.shellCode,
            output: try Self.end(of: output, atMost: Self.mostBytes),
            complaint: complaint + Self.violence(ending.shellCode)
        )
    }

    /// What a helm does not say that was killed, such as by a kernel that is out of memory; nothing where it was not.
    private static func violence(_ code: Int32) -> String {
        code == 128 + SIGKILL ? "\nError: helm was killed; there may have been too little memory for it" : ""
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

extension Error {
    /// Why helm could not be run, in words.
    var whyNotRun: String { (self as? ChildProcess.StartError)?.sentence ?? localizedDescription }
}
