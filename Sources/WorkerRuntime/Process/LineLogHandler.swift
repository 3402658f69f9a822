import CloudEvents
import Foundation
public import Logging

/// Writes one line a message to standard error: time, level, program, text, then `key=value` pairs.
public struct LineLogHandler: LogHandler {
    /// What is written with every line.
    public var metadata: Logger.Metadata = [:]
    /// The least important level that is written.
    public var logLevel: Logger.Level
    private let label: String
    private let clock: WallClock

    /// Makes a handler for one label, which is the program's name.
    public init(label: String, level: Logger.Level, clock: WallClock = WallClock()) {
        self.label = label
        self.clock = clock
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
        FileHandle.standardError.write(Data(line.utf8))
    }
}
