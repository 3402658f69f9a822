import Postgres
import Processes

extension BenchWorld {
    /// What every process has used so far, the database's as a sum.
    func usage() -> [Usage] {
        let processes = children.map { child in
            let usage = ProcessUsage(of: child.process.id)
            return Usage(
                name: child.name == Self.brokerName ? Usage.broker : child.name,
                cpu: usage.cpu,
                memory: [("peak memory of \(child.name == Self.brokerName ? Usage.broker : child.name)", usage.peak)]
            )
        }
        let server = PostgresUsage(besides: database.backendPID)
        let memory = [("PostgreSQL's own memory", server.own), ("PostgreSQL's memory, shared included", server.whole)]
        return [Usage(name: "PostgreSQL", cpu: server.cpu, memory: memory)] + processes
    }

    /// The same, of the time since an earlier look; memory is that of now.
    func usage(since before: [Usage]) -> [Usage] {
        usage().enumerated().map { place, now in
            // What was started meanwhile had used nothing then.
            Usage(name: now.name, cpu: now.cpu - (place < before.count ? before[place].cpu : 0), memory: now.memory)
        }
    }

    /// How many rows of a table were written for each message that was consumed: inserts and updates.
    ///
    /// Asked when the workers have been stopped: a session tells its counts at its end at the latest.
    func rowsPerMessage(of table: String) throws -> Double {
        try database.query(
            """
            select (n_tup_ins + n_tup_upd)::float8 / (select sum(consumed) from partition_claim)::float8
            from pg_stat_user_tables where relname = $1
            """,
            [.text(table)]
        ).only().double(0)
    }
}

/// What a process has used, or several of one name together.
struct Usage {
    static let broker = "broker"

    let name: String
    /// CPU seconds.
    let cpu: Double
    /// MiB, and what is counted.
    let memory: [(what: String, mebibytes: Double)]

    /// The memory as figures of a round.
    func memorySamples(of round: String) -> [Sample] {
        memory.map { Sample("\(round): \($0.what)", $0.mebibytes, "MiB") }
    }
}

extension [Usage] {
    /// CPU seconds of everything but the broker, which is no part of the fleet.
    var cpuWithoutBroker: Double { filter { $0.name != Usage.broker }.reduce(0) { $0 + $1.cpu } }

    /// CPU of each process and of all together, for a million of what was counted.
    func cpuSamples(of round: String, perMillion counted: Double) -> [Sample] {
        let whole = Sample(
            "\(round): CPU without the broker",
            cpuWithoutBroker / counted * 1e6,
            "s/million",
            digits: 1
        )
        return [whole]
            + map { Sample("\(round): CPU of \($0.name)", $0.cpu / counted * 1e6, "s/million", digits: 1) }
    }
}
