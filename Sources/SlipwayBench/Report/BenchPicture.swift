/// Bars, drawn as SVG: one group for each picture, with the spread of the rounds as a line over each bar.
struct BenchPicture {
    private let report: BenchReport
    private static let (width, left, right, bar, gap, head) = (960.0, 400.0, 120.0, 18.0, 8.0, 44.0)

    init(_ report: BenchReport) {
        self.report = report
    }

    /// The whole document.
    var svg: String {
        var parts: [String] = []
        var y = 0.0
        for picture in Sample.Picture.allCases {
            let rows = report.rows(of: picture)
            guard !rows.isEmpty else { continue }
            parts.append(Self.text(picture.rawValue, x: 16, y: y + 28, style: "font-weight=\"bold\""))
            y += Self.head
            let most = rows.map(\.highest).max() ?? 1
            for row in rows {
                parts.append(Self.draw(row, at: y, most: most))
                y += Self.bar + Self.gap
            }
            y += Self.gap
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.width)" height="\(y)" font-family="sans-serif" font-size="13">
            <rect width="100%" height="100%" fill="white"/>
            \(parts.joined(separator: "\n"))
            </svg>

            """
    }

    private static func draw(_ row: BenchReport.Row, at y: Double, most: Double) -> String {
        let scale = (width - left - right) / Swift.max(most, .leastNonzeroMagnitude)
        let middle = y + bar / 2
        let colour = row.what.hasPrefix("limit") ? "#9aa5b1" : row.what.hasPrefix("peer") ? "#d08770" : "#3b7dd8"
        let digits = row.median < 100 ? 1 : 0
        return """
            \(text(row.what, x: left - 8, y: middle + 4, style: "text-anchor=\"end\""))
            <rect x="\(left)" y="\(y)" width="\(row.median * scale)" height="\(bar)" fill="\(colour)"/>
            <line x1="\(left + row.lowest * scale)" x2="\(left + row.highest * scale)" y1="\(middle)" y2="\(middle)" stroke="black"/>
            \(text(BenchReport.text(row.median, digits), x: left + row.highest * scale + 8, y: middle + 4, style: ""))
            """
    }

    private static func text(_ text: String, x: Double, y: Double, style: String) -> String {
        let safe = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        return "<text x=\"\(x)\" y=\"\(y)\" \(style)>\(safe)</text>"
    }
}
