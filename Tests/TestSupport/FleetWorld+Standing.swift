import Postgres

extension FleetWorld {
    /// What a person would look at first when something does not go on: who owns what, what waits, and what each process
    /// said last.
    public var standing: String {
        let claims = lines(
            """
            select consumer_group || ' ' || topic || '/' || partition || ' at ' || next_offset || ' by ' || coalesce(owner, 'nobody')
            from partition_claim order by 1
            """
        )
        let waiting = lines(
            """
            select (select count(*) from outbox) || ' pages in the outbox, ' || (select count(*) from parked_key) || ' parked keys'
            union all select operation || ' ' || state || ' ' || coalesce(reason, '') from command
            union all select 'cluster ' || cluster || ' ' || state from cluster
            """
        )
        let said = processes.map { process in
            let last = process.output.split(separator: "\n").suffix(4).map { "    " + $0.prefix(300) }
            return "  \(process.name) \(process.pid) \(process.isRunning ? "runs" : "has ended"):\n"
                + last.joined(separator: "\n")
        }
        return (claims + waiting + said).joined(separator: "\n")
    }

    private func lines(_ sql: String) -> [String] {
        guard let rows = try? database.query(sql) else { return ["  (the database does not answer)"] }
        return rows.compactMap { try? "  " + $0.string(0) }
    }
}
