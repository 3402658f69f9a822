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
        cpu = (ProcessStat(of: pid)?.ticks ?? 0) / Double(sysconf(Int32(_SC_CLK_TCK)))
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        resident = Self.mebibytes("VmRSS", in: status)
        peak = Self.mebibytes("VmHWM", in: status)
    }

    /// A line of a file of the kernel's that gives kilobytes.
    static func mebibytes(_ name: String, in text: String) -> Double {
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        let kilobytes = line?.split(separator: " ").dropLast().last.flatMap { Double($0) } ?? 0
        return kilobytes / 1024
    }
}
