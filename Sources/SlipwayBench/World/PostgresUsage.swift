import Foundation

/// What a PostgreSQL server has used so far: its main process and all that it has started, also what has ended since.
struct PostgresUsage {
    /// CPU seconds.
    let cpu: Double
    /// The memory that each process has for itself, as a sum: MiB.
    let own: Double
    /// The same with what they share, the shared buffers above all, counted once: MiB.
    let whole: Double

    /// Looks at the server of a session of the benchmark's own, whose process is not counted.
    init(besides session: Int32) {
        let main = ProcessStat(of: session)?.parent ?? 0
        let children = ProcessStat.all().filter { $0.stat.parent == main && $0.pid != session }
        // A main process has in its own figures what its children had used that have ended.
        let ticks =
            (ProcessStat(of: main).map { $0.ticks + $0.ticksOfEnded } ?? 0)
            + children.reduce(0) { $0 + $1.stat.ticks }
        cpu = ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        let memory = ([main] + children.map(\.pid)).map { Self.memory(of: $0) }
        own = memory.reduce(0) { $0 + $1.own }
        whole = memory.reduce(0) { $0 + $1.whole }
    }

    private static func memory(of pid: Int32) -> (own: Double, whole: Double) {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8)) ?? ""
        func sum(_ names: [String]) -> Double {
            names.reduce(0) { $0 + ProcessUsage.mebibytes($1, in: text) }
        }
        return (sum(["Private_Clean:", "Private_Dirty:"]), sum(["Pss:"]))
    }
}

/// The line that the kernel keeps of a process.
struct ProcessStat {
    let parent: Int32
    /// CPU time of its own.
    let ticks: Double
    /// CPU time of its children that have ended.
    let ticksOfEnded: Double

    init?(of pid: Int32) {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 14, let parent = Int32(fields[1]) else { return nil }
        let times = fields[11...14].map { Double($0) ?? 0 }
        (self.parent, ticks, ticksOfEnded) = (parent, times[0] + times[1], times[2] + times[3])
    }

    /// Of every process that there is.
    static func all() -> [(pid: Int32, stat: ProcessStat)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard let pid = Int32(name), let stat = ProcessStat(of: pid) else { return nil }
            return (pid, stat)
        }
    }
}
