import Foundation
import Synchronization

/// A file of JSON lines that several threads add to.
package final class LineWriter<Line: Encodable>: Sendable {
    private let file: Mutex<FileHandle>

    /// Makes the file anew.
    package init(_ path: String) throws {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        guard let handle = FileHandle(forWritingAtPath: path) else { throw UnreadableFile(path: path, line: 0) }
        file = Mutex(handle)
    }

    /// Adds a line.
    package func write(_ line: Line) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var data = try encoder.encode(line)
        data.append(UInt8(ascii: "\n"))
        try file.withLock { try $0.write(contentsOf: data) }
    }
}

/// A file of JSON lines that cannot be read.
package struct UnreadableFile: Error, CustomStringConvertible {
    let path: String
    let line: Int

    package var description: String {
        line == 0 ? "'\(path)' cannot be opened." : "'\(path)' has no readable line \(line)."
    }
}

/// Reads a whole file of JSON lines.
///
/// - Parameter isCut: Whether its writer may have been killed: then what it left half written does not count.
package func readLines<Line: Decodable>(_ type: Line.Type, of path: String, isCut: Bool = false) throws -> [Line] {
    guard var data = FileManager.default.contents(atPath: path) else { throw UnreadableFile(path: path, line: 0) }
    if isCut { data = data[..<((data.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)] }
    let decoder = JSONDecoder()
    var lines: [Line] = []
    for (number, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() {
        do {
            lines.append(try decoder.decode(Line.self, from: line))
        } catch {
            throw UnreadableFile(path: path, line: number + 1)
        }
    }
    return lines
}
