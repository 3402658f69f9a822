import Foundation
import Synchronization

/// Tells live what happens, each line with the seconds since the run began.
final class RunLog: Sendable {
    private let began = ContinuousClock.now
    private let hasColours = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    private let lock = Mutex(())

    /// Seconds since the run began.
    var elapsed: Double { began.duration(to: .now).inSeconds }

    func line(_ text: String) {
        let time = String(format: "%6.1f s", elapsed)
        plain("\(hasColours ? "\u{1B}[2m\(time)\u{1B}[0m" : time)  \(text)")
    }

    func plain(_ text: String = "") {
        lock.withLock { _ in FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
    }

    /// A table with columns as wide as their widest cell.
    func table(_ header: [String], _ rows: [[String]]) {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        for row in all {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            plain(cells.joined(separator: "  "))
        }
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
