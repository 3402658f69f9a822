import Foundation

/// What a process has used so far, as the kernel tells it; zeros where it has ended.
struct ProcessUsage {
    /// CPU seconds.
    let cpu: Double
    /// The memory that it has now: MiB.
    let resident: Double
    /// The most that it ever had: MiB.
    let peak: Double

    init(of pid: Int32) {
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = fields.count > 12 ? (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0) : 0
        cpu = ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        resident = Self.mebibytes("VmRSS", in: status)
        peak = Self.mebibytes("VmHWM", in: status)
    }

    private static func mebibytes(_ name: String, in status: String) -> Double {
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        let kilobytes = line?.split(separator: " ").dropLast().last.flatMap { Double($0) } ?? 0
        return kilobytes / 1024
    }
}
