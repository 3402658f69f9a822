import FleetCheck
import Foundation

/// What a run showed, beside the verdict.
struct Report {
    let log: RunLog
    let faults: [PlayedFault]
    let notPlayed: [(fault: Fault, why: String)]
    let load: LoadThread
    let samples: Int

    func show(before: [Double], during: [Double], after: [Double]) {
        let names = Set(faults.map(\.name)).sorted()
        log.table(
            ["FAULT", "PLAYED", "ANSWERED AS BEFORE AFTER (s)", "LAST TARGET"],
            names.map { name in
                let played = faults.filter { $0.name == name }
                let recoveries = played.map { $0.recovery.map { String(format: "%.1f", $0) } ?? "not seen" }
                return [name, String(played.count), recoveries.joined(separator: ", "), played.last?.target ?? ""]
            }
        )
        for (fault, why) in notPlayed { log.plain("not played: \(fault.rawValue): \(why)") }
        log.plain()
        log.table(
            ["PROBES", "ANSWERED", "MEDIAN (s)", "95 % (s)", "SLOWEST (s)"],
            [("before the faults", before), ("during", during), ("after", after)].map { name, latencies in
                [name, String(latencies.count)] + [0.5, 0.95, 1].map { Self.quantile($0, latencies) }
            }
        )
        log.plain()
        log.plain(
            "\(load.sentCount) messages were sent, \(load.endedCount) requests ended, \(samples) samples were taken."
        )
    }

    private static func quantile(_ share: Double, _ values: [Double]) -> String {
        guard !values.isEmpty else { return "-" }
        let place = Int((Double(values.count - 1) * share).rounded())
        return String(format: "%.2f", values.sorted()[place])
    }
}
