import Foundation
import Postgres
import WorkerRuntime

/// The limit of PostgreSQL: as many new rows of the same two tables by binary COPY, 1,000 a transaction, one connection.
enum CopyLimitBench {
    static func run(count: Int) throws -> [Sample] {
        let world = try BenchWorld(needsBroker: false)
        // Made before the clock starts, as the loops' are.
        let rows = (0..<count).map { number in
            let row = LimitRows.Row(namespace: 0, number: number, sequence: Int64(number + 1))
            return (row: row, name: row.name, object: row.object)
        }
        let began = ContinuousClock.now
        for first in stride(from: 0, to: count, by: 1000) {
            try world.database.transaction { (transaction: borrowing PostgresTransaction) in
                try copy(rows[first..<min(first + 1000, count)], in: transaction)
            }
        }
        let rate = Double(count) / (ContinuousClock.now - began).seconds
        return [Sample("limit: new rows by COPY, 1 connection", rate, "rows/s", picture: .throughput)]
    }

    private static func copy(
        _ rows: ArraySlice<(row: LimitRows.Row, name: String, object: [UInt8])>,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
        try transaction.copyIn(
            into: "resource",
            columns: [
                "cluster", "namespace", "kind", "name", "api_version", "uid", "instance", "epoch", "sequence",
                "generation", "observed_generation", "health", "revision", "object", "changed_at",
            ]
        ) { writer in
            for (row, name, object) in rows {
                for text in ["bench", "bench-0", "Deployment", name, "apps/v1", "u", row.instance] {
                    writer.append(text)
                }
                for number in [1, row.sequence, row.sequence, row.sequence] { writer.append(number) }
                writer.append("healthy")
                writer.append(Int64(1))
                writer.append(object)
                writer.append(timestamp: now)
            }
        }
        try transaction.copyIn(into: "outbox", columns: ["shard", "messages", "content"]) { writer in
            for _ in stride(from: 0, to: rows.count, by: 10) {
                writer.append(Int32(0))
                writer.append(Int32(10))
                writer.append(LimitRows.content)
            }
        }
    }
}
