import Foundation

/// One table, one JSON file and one picture of everything that was measured, in medians over the rounds.
struct BenchReport {
    private var order: [String] = []
    private var samples: [String: [Sample]] = [:]
    /// What could not be measured or went wrong, a sentence each.
    private(set) var remarks: [String] = []
    /// Whether a round did not bring about what it was to measure.
    private(set) var hasFailures = false

    /// A figure over all rounds.
    struct Row: Encodable {
        let what: String
        let median: Double
        let lowest: Double
        let highest: Double
        let rounds: Int
        let unit: String
        /// What is asked, and whether the median is that.
        let mark: String?
    }

    private struct File: Encodable {
        let machine: BenchMachine
        let measured: String
        let marks: [BenchMark]
        let rows: [Row]
        let remarks: [String]
    }

    /// Measures, and takes the figures or the reason why there are none.
    mutating func take(_ measure: Measure) {
        do {
            add(try measure.run())
        } catch let missing as NotMeasured {
            remark(missing.sentence)
        } catch {
            hasFailures = true
            remark("failed: \(error)")
        }
    }

    /// Takes the figures of a round, and shows them.
    private mutating func add(_ more: [Sample]) {
        for sample in more {
            if samples[sample.what] == nil { order.append(sample.what) }
            samples[sample.what, default: []].append(sample)
            let figure = "\(Self.text(sample.value, sample.digits)) \(sample.unit)"
            let verdict = sample.mark.map { " (\($0.verdict(on: sample.value)))" } ?? ""
            FileHandle.standardError.write(Data("  \(sample.what): \(figure)\(verdict)\n".utf8))
        }
    }

    /// Says why something was not measured.
    private mutating func remark(_ sentence: String) {
        guard !remarks.contains(sentence) else { return }
        remarks.append(sentence)
        FileHandle.standardError.write(Data("  \(sentence)\n".utf8))
    }

    /// Every figure, in the order in which it was measured first.
    var rows: [Row] { order.map { row(of: samples[$0] ?? []) } }

    /// The median of a figure; `nil` where it was not measured.
    func median(_ what: String) -> Double? { samples[what].map { row(of: $0).median } }

    /// The greatest median of the figures with such names.
    func greatest(where isMeant: (String) -> Bool) -> Double? { order.filter(isMeant).compactMap(median).max() }

    /// The figures of one picture.
    func rows(of picture: Sample.Picture) -> [Row] {
        order.compactMap { samples[$0] }.filter { $0.first?.picture == picture }.map(row)
    }

    private func row(of samples: [Sample]) -> Row {
        let values = samples.map(\.value).sorted()
        let middle = values.count / 2
        let median = values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
        return Row(
            what: samples[0].what,
            median: median,
            lowest: values[0],
            highest: values[values.count - 1],
            rounds: values.count,
            unit: samples[0].unit,
            mark: samples[0].mark?.verdict(on: median)
        )
    }

    /// The table, for people.
    var table: String {
        let lines = order.compactMap { samples[$0] }.map { samples -> (String, String) in
            let (row, digits) = (row(of: samples), samples[0].digits)
            let spread = "\(Self.text(row.lowest, digits)) to \(Self.text(row.highest, digits)) in \(row.rounds) rounds"
            let figure = "\(Self.text(row.median, digits)) \(row.unit)"
            let verdict = row.mark.map { "; \($0)" } ?? ""
            return (row.what, (row.rounds == 1 ? figure : "\(figure) (\(spread))") + verdict)
        }
        let width = (lines.map(\.0.count) + [4]).max() ?? 4
        func line(_ what: String, _ figure: String) -> String {
            what.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + figure
        }
        return ([line("WHAT", "MEDIAN")] + lines.map(line) + remarks).joined(separator: "\n")
    }

    /// The machine, the marks and every figure, as a page.
    func page(_ machine: BenchMachine, measured: String) -> String {
        let facts = machine.lines.map { "- \($0)" }
        let marks = BenchMark.all(of: self).map { "| \($0.mark) | \($0.figure) | \($0.isMet ? "met" : "not met") |" }
        let figures = order.compactMap { samples[$0] }.map { samples -> String in
            let (row, digits) = (row(of: samples), samples[0].digits)
            let spread = "\(Self.text(row.lowest, digits)) to \(Self.text(row.highest, digits))"
            let figure = Self.text(row.median, digits)
            let range = row.rounds == 1 ? "one round" : spread
            return "| \(row.what) | \(figure) | \(row.unit) | \(range) | \(row.rounds) |"
        }
        let head = ["| what | median | unit | lowest to highest | rounds |", "|---|---:|---|---:|---:|"]
        let parts: [[String]] = [
            ["# Figures of \(measured)", ""] + facts,
            ["## Marks", "", "| mark | figure | |", "|---|---:|---|"] + marks,
            ["## Everything", ""] + head + figures,
            remarks.isEmpty ? [] : ["## Remarks", ""] + remarks.map { "- \($0)" },
        ]
        return parts.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    /// Writes the page, everything as JSON, and the picture into a folder.
    func write(to folder: String, as name: String) throws {
        let url = URL(filePath: folder)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "infinite",
            negativeInfinity: "infinite",
            nan: "none"
        )
        let (machine, measured) = (BenchMachine(), ISO8601DateFormatter().string(from: Date()))
        let file = File(
            machine: machine,
            measured: measured,
            marks: BenchMark.all(of: self),
            rows: rows,
            remarks: remarks
        )
        let page = Data(page(machine, measured: measured).utf8)
        try page.write(to: url.appending(path: "\(name).md"))
        try encoder.encode(file).write(to: url.appending(path: "\(name).json"))
        try Data(BenchPicture(self).svg.utf8).write(to: url.appending(path: "\(name).svg"))
    }

    static func text(_ value: Double, _ digits: Int) -> String {
        value.isNaN ? "none" : String(format: "%.\(digits)f", value)
    }
}
