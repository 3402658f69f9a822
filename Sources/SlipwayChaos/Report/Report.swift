import FleetCheck
import Foundation

/// What a run showed, beside the verdict.
struct Report {
    let log: RunLog
    let faults: [PlayedFault]
    /// Of each fault, when the probes were answered again.
    let answers: [[Probe: Double]]
    let notPlayed: [(fault: Fault, why: String)]
    let load: LoadThread
    let samples: Int

    func show(before: [Probe: [Double]], during: [Probe: [Double]], after: [Probe: [Double]]) {
        let names = Set(faults.map(\.name)).sorted()
        let probes = Probe.allCases.map { "\($0.rawValue.uppercased()) AFTER (s)" }
        log.table(
            ["FAULT", "PLAYED"] + probes + ["LAST TARGET"],
            names.map { name in
                let played = faults.indices.filter { faults[$0].name == name }
                let times = Probe.allCases.map { probe in
                    played.map { answers[$0][probe].map { String(format: "%.1f", $0) } ?? "not seen" }
                }
                return [name, String(played.count)] + times.map { $0.joined(separator: ", ") }
                    + [played.last.map { faults[$0].target } ?? ""]
            }
        )
        for (fault, why) in notPlayed { log.plain("not played: \(fault.rawValue): \(why)") }
        log.plain()
        let phases = [("before the faults", before), ("during", during), ("after", after)]
        log.table(
            ["PROBES", "", "ANSWERED", "MEDIAN (s)", "95 % (s)", "SLOWEST (s)"],
            Probe.allCases.flatMap { probe in
                phases.map { phase, times in
                    let times = times[probe] ?? []
                    return [probe.rawValue, phase, String(times.count)]
                        + [0.5, 0.95, 1].map { Self.quantile($0, times) }
                }
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
