import CloudEvents
import WorkerRuntime

/// What one run of a container writes: the same lines whenever they are read, a request a second while it serves.
struct SimulatedLog: Sendable, Hashable {
    let pod: String
    let container: String
    let image: String
    /// When the run began and ended: microseconds since 1970.
    var run: (started: Int64, finished: Int64?)
    let ending: Ending

    /// How a run ends.
    enum Ending: Sendable, Hashable {
        /// It serves until it is told to stop.
        case serves
        /// It cannot reach what it needs.
        case crashes
        /// It does something, writes this and is done; so many microseconds long.
        case task(String, time: Int64)
    }

    static func == (left: SimulatedLog, right: SimulatedLog) -> Bool {
        left.pod == right.pod && left.container == right.container && left.run.started == right.run.started
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(pod)
        hasher.combine(container)
        hasher.combine(run.started)
    }

    private static let firstLines = 3
    private static let second: Int64 = 1_000_000

    /// How many lines were written by that time.
    func count(at now: Int64) -> Int {
        let now = min(now, run.finished ?? now)
        guard now >= run.started else { return 0 }
        let age = now - run.started
        switch ending {
        case .task(let output, let time):
            let lines = Self.lines(of: output)
            guard run.finished == nil else { return lines.count }
            return min(lines.count, Int(age * Int64(lines.count + 1) / max(time, 1)))
        case .serves: return Self.firstLines + Int(age / Self.second)
        case .crashes: return Self.firstLines + Int(age / Self.second) + (run.finished == nil ? 0 : 2)
        }
    }

    /// How many lines are as long as so many bytes at least: more are not needed by who asks for no more bytes.
    func mostLines(of bytes: Int) -> Int {
        if case .task = ending { bytes + 1 } else { bytes / 16 + 1 }
    }

    /// A line by its number from 0; one that is to be counted first.
    func line(_ number: Int) -> String {
        if case .task(let output, _) = ending {
            let lines = Self.lines(of: output)
            return lines.indices.contains(number) ? lines[number] : ""
        }
        switch number {
        case 0: return entry(0, "INFO starting \(container) from \(image)")
        case 1: return entry(40_000, "INFO configuration read from the environment")
        case 2: return entry(120_000, "INFO listening on 0.0.0.0, pod \(pod)")
        default: break
        }
        let age = Int64(number - Self.firstLines + 1) * Self.second
        if let finished = run.finished, run.started + age > finished {
            let isLast = number == count(at: finished) - 1
            let text = isLast ? "FATAL giving up, exit code 1" : "ERROR database:5432: connection refused"
            return entry(finished - run.started, text)
        }
        return entry(age, request(number))
    }

    private func request(_ number: Int) -> String {
        let hash = StableHash.of("\(pod) \(container) \(number)")
        let paths = ["/", "/healthz", "/api/orders", "/api/orders/\(hash % 9000 + 1000)", "/metrics", "/api/cart"]
        let path = paths[Int(hash >> 16 & 0xFFFF) % paths.count]
        let time = hash >> 32 & 0x7F
        return time > 120 ? "WARN GET \(path) 200 slow \(time * 10)ms" : "INFO GET \(path) 200 \(time + 1)ms"
    }

    private func entry(_ age: Int64, _ text: String) -> String {
        "\(RFC3339.format(microseconds: run.started + age)) \(text)"
    }

    private static func lines(of output: String) -> [String] {
        var lines = output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
