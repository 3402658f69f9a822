import Foundation
import Synchronization

/// The file in which a simulated cluster outlives its agents: what changed, entry by entry, as JSON lines.
///
/// Every process that opens it has the same cluster: they take turns, and each reads what the others wrote before it acts.
/// One of them plays the controllers; when it ends, another one does. Nothing is brought to the disk: only processes die.
public final class ClusterFile: Sendable {
    private let path: String
    private let file: Int32
    private let controllers: Int32
    /// Up to where it was read.
    private let position = Mutex<off_t>(0)
    private let controls = Atomic(false)

    /// Opens the file of a cluster, or makes it.
    public init(_ path: String) throws {
        self.path = path
        let flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC
        file = open(path, flags, 0o600)
        controllers = open(path + ".controllers", flags, 0o600)
        guard file >= 0, controllers >= 0 else {
            throw UnusableFile(path: path, why: String(cString: strerror(errno)))
        }
    }

    deinit {
        close(file)
        close(controllers)
    }

    /// Whether this process plays the controllers.
    var isController: Bool { controls.load(ordering: .relaxed) }

    /// Plays the controllers from now on where nobody does; returns whether it has just begun to.
    func takeControl() -> Bool {
        guard !isController, flock(controllers, LOCK_EX | LOCK_NB) == 0 else { return false }
        controls.store(true, ordering: .relaxed)
        return true
    }

    func beginTurn() {
        while flock(file, LOCK_EX) != 0 { if errno != EINTR { end("it cannot be locked") } }
    }

    func endTurn() { flock(file, LOCK_UN) }

    /// What was written since the last turn of this process.
    ///
    /// What a process left half written that was killed at it has not happened.
    func unread() -> [ClusterEntry] {
        position.withLock { position in
            let size = lseek(file, 0, SEEK_END)
            guard size > position else { return [] }
            var bytes = [UInt8](repeating: 0, count: Int(size - position))
            guard read(into: &bytes, from: position) else { end("it cannot be read") }
            let lines = Self.lines(bytes)
            let whole = lines.reduce(0) { $0 + $1.count + 1 }
            position += off_t(whole)
            if whole < bytes.count, ftruncate(file, position) != 0 { end("it cannot be mended") }
            let decoder = JSONDecoder()
            var entries: [ClusterEntry] = []
            for line in lines {
                guard let entry = try? decoder.decode(ClusterEntry.self, from: line) else {
                    end("it has an entry that cannot be read")
                }
                entries.append(entry)
            }
            return entries
        }
    }

    /// The lines that end, without their ends.
    private static func lines(_ bytes: [UInt8]) -> [Data] {
        bytes.withUnsafeBytes { buffer in
            var lines: [Data] = []
            guard var begin = buffer.baseAddress else { return lines }
            let end = begin + buffer.count
            while let newline = memchr(begin, Int32(UInt8(ascii: "\n")), end - begin) {
                let length = UnsafeRawPointer(newline) - begin
                lines.append(Data(bytes: begin, count: length))
                begin += length + 1
            }
            return lines
        }
    }

    /// Adds an entry in this process's turn, when everything was read.
    func append(_ entry: ClusterEntry) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var line = try? encoder.encode(entry) else { end("an entry cannot be written") }
        line.append(UInt8(ascii: "\n"))
        let isWritten = line.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = write(file, bytes.baseAddress?.advanced(by: done), bytes.count - done)
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
        guard isWritten else { end("it cannot be written") }
        position.withLock { $0 += off_t(line.count) }
    }

    private func read(into bytes: inout [UInt8], from position: off_t) -> Bool {
        let wanted = bytes.count
        return bytes.withUnsafeMutableBytes { buffer in
            var done = 0
            while done < wanted {
                let place = buffer.baseAddress?.advanced(by: done)
                let count = pread(file, place, wanted - done, position + off_t(done))
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
    }

    /// A cluster that cannot be kept must not go on as if it were.
    private func end(_ why: String) -> Never {
        let sentence = "cluster-agent: the cluster's file '\(path)' is of no use: \(why).\n"
        FileHandle.standardError.write(Data(sentence.utf8))
        exit(1)
    }
}

/// A file that no cluster can be kept in.
public struct UnusableFile: Error, CustomStringConvertible {
    let path: String
    let why: String

    /// Which file, and why.
    public var description: String { "The cluster's file '\(path)' cannot be opened: \(why)." }
}
