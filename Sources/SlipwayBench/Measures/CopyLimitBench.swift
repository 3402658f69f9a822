import Foundation
import Postgres
import WorkerRuntime

/// The limit of PostgreSQL: as many new rows of the same two tables by binary COPY, 1,000 a transaction, one connection.
enum CopyLimitBench {
    static func run(count: Int) throws -> [Sample] {
        let world = try BenchWorld(needsBroker: false)
        let began = ContinuousClock.now
        var done = 0
        while done < count {
            let rows = min(1000, count - done)
            try world.database.transaction { (transaction: borrowing PostgresTransaction) in
                try copy(done..<done + rows, in: transaction)
            }
            done += rows
        }
        let rate = Double(count) / (ContinuousClock.now - began).seconds
        return [Sample("limit: new rows by COPY, 1 connection", rate, "rows/s", picture: .throughput)]
    }

    private static func copy(_ rows: Range<Int>, in transaction: borrowing PostgresTransaction) throws {
        let shape = ResourceLoad.Shape()
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
        let content = [UInt8](repeating: 65, count: 7_500)
        try transaction.copyIn(
            into: "resource",
            columns: [
                "cluster", "namespace", "kind", "name", "api_version", "uid", "epoch", "sequence", "health", "object",
                "changed_at",
            ]
        ) { writer in
            for row in rows {
                for text in ["bench", "bench-0", "Deployment", "app-\(row)", "apps/v1", "u"] { writer.append(text) }
                writer.append(Int64(1))
                writer.append(Int64(row + 1))
                writer.append("healthy")
                writer.append(Array(shape.object("bench-0", "app-\(row)", "app", Int64(row), 2).utf8))
                writer.append(timestamp: now)
            }
        }
        try transaction.copyIn(into: "outbox", columns: ["shard", "messages", "content"]) { writer in
            for _ in stride(from: rows.lowerBound, to: rows.upperBound, by: 10) {
                writer.append(Int32(0))
                writer.append(Int32(10))
                writer.append(content)
            }
        }
    }
}
