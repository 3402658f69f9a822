import Foundation

/// Writes to the terminal: colours where it is one, plain lines where it is not.
struct Terminal: Sendable {
    enum Colour: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case blue = "34"
        case cyan = "36"
    }

    let hasColours = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil

    func paint(_ text: String, _ colour: Colour) -> String {
        hasColours ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    func line(_ text: String = "") {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// What others wrote, its control characters told as `\u{1b}` and the like.
    ///
    /// As they are they could move the cursor, clear what was said before, or look like another line.
    ///
    /// - Parameter isText: Whether line feeds and tabs stay as they are.
    static func plain(_ words: String, isText: Bool = false) -> String {
        words.unicodeScalars.reduce(into: "") { plain, scalar in
            switch scalar {
            case "\n" where !isText: plain += "\\n"
            case "\t" where !isText: plain += "\\t"
            case "\n", "\t": plain.unicodeScalars.append(scalar)
            case _ where scalar.properties.generalCategory == .control:
                plain += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: plain.unicodeScalars.append(scalar)
            }
        }
    }

    /// A table with columns as wide as their widest cell.
    func table(_ header: [String], _ cells: [[String]]) {
        guard !cells.isEmpty else { return }
        let rows = cells.map { $0.map { Self.plain($0) } }
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        func text(_ cells: [String]) -> String {
            var line = zip(cells, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            .joined(separator: "  ")
            // A first column may be set in; what is behind the last one is of no use.
            while line.last == " " { line.removeLast() }
            return line
        }
        line(paint(text(header), .bold))
        for row in rows { line(text(row)) }
    }

    /// The colour of a state or health word.
    func state(_ word: String) -> String {
        switch word {
        case "succeeded", "running", "healthy", "active", "connected": paint(word, .green)
        case "failed", "timed_out", "rejected", "degraded", "lost", "conflict": paint(word, .red)
        case "superseded", "canceled", "missing", "unknown", "suspended": paint(word, .yellow)
        default: paint(word, .cyan)
        }
    }
}
