import CloudEvents
import Foundation
import Glibc
public import Logging

/// Writes one line a message to standard error: time, level, program, text, then `key=value` pairs.
public struct LineLogHandler: LogHandler {
    /// What is written with every line.
    public var metadata: Logger.Metadata = [:]
    /// The least important level that is written.
    public var logLevel: Logger.Level
    private let label: String
    private let clock: WallClock
    private let descriptor: Int32

    /// Makes a handler for one label, which is the program's name.
    public init(label: String, level: Logger.Level, clock: WallClock = WallClock()) {
        self.init(label: label, level: level, clock: clock, descriptor: STDERR_FILENO)
    }

    init(label: String, level: Logger.Level, clock: WallClock = WallClock(), descriptor: Int32) {
        self.label = label
        self.clock = clock
        self.descriptor = descriptor
        logLevel = level
    }

    /// One value of the metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        let time = RFC3339.format(microseconds: clock.now())
        var line = "\(time) \(event.level) \(label): \(event.message)"
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        line = line.replacingOccurrences(of: "\n", with: " ") + "\n"
        StandardError.write(line, to: descriptor)
    }
}

/// Where programs say what is for people; that it cannot be said ends none of them.
public enum StandardError {
    /// Writes a text, or as much of it as can be written: a full disk or a pipe that nobody reads any more has no place for it.
    ///
    /// A reader that is slow is waited for, as everywhere.
    public static func write(_ text: String) { write(text, to: STDERR_FILENO) }

    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
